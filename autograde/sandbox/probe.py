"""A student process that runs whatever it is sent: how the sandbox is tried from inside."""

import json


def serve(sock):
    """Run each line, a JSON string of Python code, and answer with what it left in `answer`.

    An answer is a line of JSON: {"answer": ...}, or {"error": the exception's name, "text": ...}.
    """
    for line in sock.makefile("r", encoding="utf-8"):
        names = {"sock": sock, "answer": None}
        try:
            exec(json.loads(line), names)
            reply = json.dumps({"answer": names["answer"]})
        except Exception as error:
            reply = json.dumps({"error": type(error).__name__, "text": str(error)})
        sock.sendall(reply.encode() + b"\n")


def ask(process, code, seconds=20):
    """Have a `Process` whose `serve` is the one above run some code; what it answers.

    Returns:
        {"answer": ...} or {"error": ..., "text": ...}; {"ended": how} if there came no answer.
    """
    sock, reply = process.socket, b""
    sock.settimeout(seconds)
    try:
        sock.sendall(json.dumps(code).encode() + b"\n")
        while not reply.endswith(b"\n") and len(reply) < 1 << 20:
            part = sock.recv(1 << 16)
            if not part:
                break
            reply += part
        return json.loads(reply)
    except (OSError, ValueError):
        return {"ended": process.wait(1) or "no answer"}
