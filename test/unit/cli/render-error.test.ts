/** An error as text: causes, hint, stack, and no way to send control characters to the terminal. */
import { describe, expect, test } from "bun:test";
import { exitCodeOf, renderError } from "../../../src/cli/render-error.ts";
import { BockerError } from "../../../src/errors.ts";

const plain = { prefix: "Error: ", debug: false };

describe("renderError", () => {
  test("message, causes outermost first, hint", () => {
    const inner = Object.assign(new Error("ECONNREFUSED"), { code: "ECONNREFUSED" });
    const middle = new BockerError("cannot reach registry", { cause: inner });
    const error = new BockerError('cannot pull "a"', { cause: middle, hint: "look" });
    expect(renderError(error, plain)).toBe(
      'Error: cannot pull "a"\n  caused by: cannot reach registry\n  caused by: ECONNREFUSED\n  hint: look\n',
    );
  });

  test("a cause that the message quotes already is not said twice", () => {
    const error = new BockerError("cannot read x: EIO", { cause: new Error("EIO") });
    expect(renderError(error, plain)).toBe("Error: cannot read x: EIO\n");
  });

  test("a cycle of causes ends", () => {
    const error = new BockerError("a");
    const cause = new Error("b", { cause: error });
    error.cause = cause;
    expect(renderError(error, plain)).toBe("Error: a\n  caused by: b\n");
  });

  test("what was thrown may be anything", () => {
    expect(renderError("text", plain)).toBe("Error: text\n");
    expect(renderError(undefined, plain)).toBe("Error: undefined\n");
    expect(renderError(new BockerError("a", { cause: "why" }), plain)).toBe("Error: a\n  caused by: why\n");
  });

  test("a bug shows its stack, an expected error does not", () => {
    expect(renderError(new TypeError("x is undefined"), plain)).toContain("render-error.test.ts");
    expect(renderError(Object.assign(new Error("ENOENT: no"), { code: "ENOENT" }), plain)).toBe(
      "Error: ENOENT: no\n",
    );
  });

  test("control characters are shown, not sent", () => {
    const error = new BockerError("no \u001b[2J\u0007\u009b1m image\r\n\tline", { hint: "\u001b]0;x\u0007" });
    expect(renderError(error, plain)).toBe(
      "Error: no \\x1b[2J\\x07\\x9b1m image\\x0d\n\tline\n  hint: \\x1b]0;x\\x07\n",
    );
  });
});

test("exit codes: the error's, else the command's, else 1", () => {
  expect(exitCodeOf(new BockerError("a", { exitCode: 126 }), 125)).toBe(126);
  expect(exitCodeOf(new BockerError("a"), 125)).toBe(125);
  expect(exitCodeOf(new Error("a"))).toBe(1);
});
