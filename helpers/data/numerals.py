"""Numbers in English and in Korean words: two languages of which every sentence is known.

English counts in thousands, Korean in myriads (man, ten thousand), so that the words for
12,345,678 are cut at different places: 12 million 345 thousand 678, but 1234 man 5678.
The words are those of the package num2words.
"""

import operator

import numpy as np

PAD, START, END = 0, 1, 2
LARGEST = 99_999_999
ENGLISH = (
    *("<pad>", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty"),
    *("ninety", "hundred", "thousand", "million", "and"),
)
# Korean syllables, and how they are read (Revised Romanization).
ROMAN = {
    **{"영": "yeong", "일": "il", "이": "i", "삼": "sam", "사": "sa", "오": "o", "육": "yuk"},
    **{"칠": "chil", "팔": "pal", "구": "gu", "십": "sip", "백": "baek", "천": "cheon"},
    "만": "man",
}
KOREAN = ("<pad>", "<start>", "<end>", *ROMAN)
_ENGLISH = {word: token for token, word in enumerate(ENGLISH)}
_KOREAN = {syllable: token for token, syllable in enumerate(KOREAN)}


def english_tokens(number):
    """A number in English, a token a word, without hyphens and commas.

    Args:
        number: from 0 to 99,999,999.

    Returns:
        list of token ids into `ENGLISH`.

    Raises:
        ValueError: a number outside that range.
    """
    words = _spelled(number, "en").replace(",", "").replace("-", " ").split()
    return [_ENGLISH[word] for word in words]


def korean_tokens(number):
    """A number in Korean, a token a syllable, with <start> before and <end> after.

    Args:
        number: from 0 to 99,999,999.

    Returns:
        list of token ids into `KOREAN`.

    Raises:
        ValueError: a number outside that range.
    """
    syllables = _spelled(number, "ko").replace(" ", "")
    return [START, *(_KOREAN[syllable] for syllable in syllables), END]


def _spelled(number, language):
    from num2words import num2words  # here, so that nothing else of the course needs it

    if not 0 <= operator.index(number) <= LARGEST:
        raise ValueError(
            f"number: expected 0 to {LARGEST:,}, got {number:,}; the two vocabularies end there"
        )
    return num2words(int(number), lang=language)


def english_words(tokens):
    """The words of a list of tokens; <pad> is left out."""
    return [ENGLISH[token] for token in tokens if token != PAD]


def korean_words(tokens, roman=False):
    """The syllables of a list of tokens; <pad>, <start> and <end> are left out.

    Args:
        tokens: list of ids.
        roman: whether to write them in Latin letters.
    """
    said = [KOREAN[token] for token in tokens if token not in (PAD, START, END)]
    return [ROMAN[syllable] for syllable in said] if roman else said


def split_numbers(train, test, rng):
    """Different numbers to learn from and to be judged by, mostly long ones.

    How many digits a number has is drawn first, d digits with a chance proportional to d². Numbers
    below 100 are few, and all of them are there to learn from.

    Args:
        train, test: how many of each, train at least 100.
        rng: np.random.Generator.

    Returns:
        two lists of ints that share none, in random order.

    Raises:
        ValueError: more numbers than fit, or fewer to learn from than 100.
    """
    if train < 100 or test < 0 or train + test > 100_000:
        raise ValueError(
            f"train: expected at least 100 numbers, and at most 100,000 with those to test, got "
            f"{train:,} and {test:,}; 8,000 and 1,500 are plenty"
        )
    lengths = np.arange(3, 9)
    drawn = {}
    while len(drawn) < train + test - 100:
        digits = int(rng.choice(lengths, p=lengths**2 / (lengths**2).sum()))
        drawn[int(rng.integers(10 ** (digits - 1), 10**digits))] = None
    longer = rng.permutation(list(drawn))
    learn = rng.permutation([*range(100), *longer[test:]])
    return learn.tolist(), longer[:test].tolist()


# The digits from 2 to 9 stand in either language in the same order; a 1 often goes without saying.
_CARRIES = {word: digit for digit, word in enumerate(ENGLISH[1:11]) if 2 <= digit <= 9}
_CARRIES |= {word: digit for digit, word in enumerate(ENGLISH[13:21], 2)}  # twelve to nineteen
_CARRIES |= {word: digit for digit, word in enumerate(ENGLISH[21:29], 2)}  # twenty to ninety
_CARRIES |= {syllable: digit for digit, syllable in enumerate(tuple(ROMAN)[1:10], 1) if digit > 1}


def digits_said(words):
    """Which of a number's words say a digit from 2 to 9, and which one.

    'twelve' says a 2, and 'forty' a 4. Both languages say these digits in the same order, so that
    the first of one list belongs to the first of the other's.

    Args:
        words: of `english_words` or `korean_words`, the latter in Hangul.

    Returns:
        list of (position, digit).
    """
    return [(k, _CARRIES[word]) for k, word in enumerate(words) if word in _CARRIES]
