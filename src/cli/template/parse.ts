/**
 * Tokens to a tree. Pure. Grammar: https://pkg.go.dev/text/template; define, block and template are not part of
 * docker's formats and are refused.
 */
import { lexTemplate, type Token, type TokenKind } from "./lex.ts";
import type { Body, Command, Operand, Pipe, TemplateNode } from "./syntax.ts";
import { TemplateError } from "./template-error.ts";

/** Throws TemplateError, also for a function that is not in `functions`. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Body {
  return new TemplateParser(source, functions).parse();
}

interface BodyEnd {
  readonly body: Body;
  /** `end`, `else`, or undefined where the template ends. */
  readonly by: string | undefined;
}

/** Of parentheses and of actions in actions: more would be a stack that is too deep, here or when it is evaluated. */
const deepest = 200;

class TemplateParser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private rangeDepth = 0;
  private depth = 0;
  /** Variables in scope, innermost last. */
  private variables: readonly string[] = [""];

  constructor(
    private readonly source: string,
    private readonly functions: ReadonlySet<string>,
  ) {
    this.tokens = lexTemplate(source);
  }

  parse(): Body {
    const { body, by } = this.readBody();
    if (by !== undefined) throw this.problem(`unexpected {{${by}}}`);
    return body;
  }

  private readBody(): BodyEnd {
    const body: TemplateNode[] = [];
    for (let token = this.take(); token; token = this.take()) {
      if (token.kind === "text") {
        body.push({ kind: "text", text: token.text });
        continue;
      }
      const keyword = this.peek()?.kind === "word" ? (this.peek()?.text ?? "") : "";
      if (keyword === "end" || keyword === "else") {
        this.take();
        return { body, by: keyword };
      }
      body.push(this.readAction(keyword));
    }
    return { body, by: undefined };
  }

  private readAction(keyword: string): TemplateNode {
    switch (keyword) {
      case "if":
      case "with":
      case "range":
        this.take();
        return this.readControl(keyword);
      case "break":
      case "continue":
        this.take();
        if (this.rangeDepth === 0) throw this.problem(`{{${keyword}}} outside {{range}}`);
        this.expect("close", keyword);
        return { kind: keyword };
      case "define":
      case "block":
      case "template":
        throw this.problem(`unexpected {{${keyword}}}: not supported in a format`);
      default: {
        const pipe = this.readPipe("command");
        this.expect("close", "command");
        return { kind: "action", pipe };
      }
    }
  }

  private readControl(kind: "if" | "with" | "range"): TemplateNode {
    this.descend();
    const outer = this.variables;
    const pipe = this.readPipe(kind);
    this.expect("close", kind);
    if (kind === "range") this.rangeDepth += 1;
    const { body, by } = this.readBody();
    if (kind === "range") this.rangeDepth -= 1;
    const otherwise = by === "else" ? this.readElse(kind) : [];
    if (by === undefined) throw this.problem("unexpected EOF");
    if (by === "end") this.expect("close", "end");
    this.variables = outer;
    this.depth -= 1;
    return { kind, pipe, body, otherwise };
  }

  /** After `else`: `}}` and a body, or `if …`, which shares its `end`. */
  private readElse(kind: "if" | "with" | "range"): Body {
    const word = this.peek();
    if (word?.kind === "word" && word.text === kind && kind !== "range") {
      this.take();
      return [this.readControl(kind)];
    }
    this.expect("close", "else");
    const { body, by } = this.readBody();
    if (by !== "end")
      throw this.problem(by === undefined ? "unexpected EOF" : "expected end; found {{else}}");
    this.expect("close", "end");
    return body;
  }

  private readPipe(context: string): Pipe {
    const at = this.peek()?.at ?? this.source.length;
    const { variables, isAssignment } = this.readVariables(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.peek();
      if (!token || token.kind === "close" || token.kind === ")") break;
      if (token.kind === "|") {
        if (commands.length === 0) throw this.problem("missing value for command");
        this.take();
        continue;
      }
      commands.push(this.readCommand());
    }
    if (commands.length === 0) throw this.problem(`missing value for ${context}`);
    return { at, variables, isAssignment, commands };
  }

  /** `$x :=`, `$x =`, and for range `$i, $x :=`. */
  private readVariables(context: string): { variables: readonly string[]; isAssignment: boolean } {
    const start = this.next;
    const names: string[] = [];
    for (let token = this.peek(); token?.kind === "variable"; token = this.peek()) {
      this.take();
      names.push(token.text);
      const sign = this.take();
      if (sign?.kind === ":=" || sign?.kind === "=") {
        if (sign.kind === ":=") this.variables = [...this.variables, ...names];
        return { variables: names, isAssignment: sign.kind === "=" };
      }
      if (sign?.kind !== "," || context !== "range" || names.length > 1) break;
    }
    this.next = start;
    return { variables: [], isAssignment: false };
  }

  private readCommand(): Command {
    const at = this.peek()?.at ?? this.source.length;
    const words: Operand[] = [];
    for (;;) {
      const token = this.peek();
      if (!token || token.kind === "close" || token.kind === ")" || token.kind === "|") break;
      if (words.length > 0 && token.isGlued && token.kind !== "(") {
        throw this.problem(`unexpected ${JSON.stringify(token.text)} in operand`);
      }
      words.push(this.readOperand());
    }
    return { at, words };
  }

  private readOperand(): Operand {
    const token = this.take();
    if (!token) throw this.problem("unclosed action");
    const base = this.readTerm(token);
    const second = this.peek();
    const names = this.readFields();
    if (names.length === 0 || !second) return base;
    // Go puts a chain's place at its second field.
    if (base.kind === "field") return { ...base, at: second.at, names: [...base.names, ...names] };
    if (base.kind === "variable") return { ...base, at: second.at, names: [...base.names, ...names] };
    if (base.kind === "constant" || base.kind === "nil" || base.kind === "dot") {
      throw this.problem(`unexpected . after term ${JSON.stringify(token.text)}`);
    }
    return { kind: "chain", at: second.at, base, names };
  }

  private readFields(): readonly string[] {
    const names: string[] = [];
    for (let token = this.peek(); token?.kind === "field" && token.isGlued; token = this.peek()) {
      this.take();
      names.push(token.text);
    }
    return names;
  }

  private readTerm(token: Token): Operand {
    const { kind, text, at } = token;
    switch (kind) {
      case "dot":
        return { kind: "dot", at };
      case "field":
        return { kind: "field", at, names: [text] };
      case "variable":
        if (!this.variables.includes(text)) throw this.problem(`undefined variable "$${text}"`);
        return { kind: "variable", at, name: text, names: [] };
      case "string":
        return { kind: "constant", at, value: text, text: JSON.stringify(text) };
      case "number":
        return { kind: "constant", at, value: this.numberOf(text), text };
      case "word":
        return this.readWord(text, at);
      case "(": {
        this.descend();
        const pipe = this.readPipe("parenthesized pipeline");
        this.expect(")", "parenthesized pipeline");
        this.depth -= 1;
        return { kind: "pipe", at, pipe };
      }
      default:
        throw this.problem(`unexpected ${JSON.stringify(text)} in operand`);
    }
  }

  private readWord(text: string, at: number): Operand {
    if (text === "true" || text === "false") return { kind: "constant", at, value: text === "true", text };
    if (text === "nil") return { kind: "nil", at };
    if (!this.functions.has(text)) throw this.problem(`function ${JSON.stringify(text)} not defined`);
    return { kind: "function", at, name: text };
  }

  private numberOf(text: string): number {
    const sign = text.startsWith("-") ? -1 : 1;
    const value = Number(text.replace(/^[+-]/, ""));
    if (Number.isNaN(value)) throw this.problem(`illegal number syntax: ${JSON.stringify(text)}`);
    return sign * value;
  }

  private descend(): void {
    this.depth += 1;
    if (this.depth > deepest) throw this.problem(`nested more than ${deepest} deep`);
  }

  private peek(): Token | undefined {
    return this.tokens[this.next];
  }

  private take(): Token | undefined {
    const token = this.tokens[this.next];
    this.next += 1;
    return token;
  }

  private expect(kind: TokenKind, context: string): void {
    const token = this.take();
    if (token?.kind === kind) return;
    const found = token ? JSON.stringify(token.text) : "EOF";
    throw this.problem(kind === ")" ? "unclosed left paren" : `unexpected ${found} in ${context}`);
  }

  private problem(reason: string): TemplateError {
    const token = this.tokens[Math.min(this.next, this.tokens.length) - 1];
    return new TemplateError(this.source, token?.at ?? this.source.length, reason);
  }
}
