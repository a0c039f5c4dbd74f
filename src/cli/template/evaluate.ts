/**
 * Runs a parsed template over a value. Pure. Semantics: text/template/exec.go.
 */
import { messageOf } from "../../errors.ts";
import { ArgumentTypeError, templateFunctions } from "./functions.ts";
import { GoStruct } from "./go-value.ts";
import {
  type Body,
  type Command,
  type Operand,
  type Pipe,
  renderCommand,
  renderOperand,
  type TemplateNode,
} from "./syntax.ts";
import { TemplateError } from "./template-error.ts";
import {
  isList,
  isMap,
  isNil,
  isTruthy,
  printValue,
  sortedKeys,
  type TemplateValue,
  typeName,
} from "./value.ts";

export interface EvaluateOptions {
  /** The name docker gives the type of the root value: an unknown field of it is an error that names it. */
  readonly typeName?: string;
  /** Keys missing from inner maps: an error (inspect), or `<no value>`. */
  readonly isStrict?: boolean;
}

/** Throws TemplateError. */
export function evaluateTemplate(
  source: string,
  body: Body,
  root: TemplateValue,
  options: EvaluateOptions = {},
): string {
  const evaluator = new Evaluator(source, root, options);
  evaluator.walk(body, root);
  return evaluator.output;
}

/** What a row may hold besides JSON: a field that takes strings. */
export type TemplateMethod = (...names: readonly string[]) => TemplateValue;

function isMethod(value: TemplateValue): value is TemplateMethod {
  return typeof value === "function";
}

interface Variable {
  readonly name: string;
  value: TemplateValue;
}

type Flow = "next" | "break" | "continue";

class Evaluator {
  output = "";
  private variables: Variable[];

  constructor(
    private readonly source: string,
    private readonly root: TemplateValue,
    private readonly options: EvaluateOptions,
  ) {
    this.variables = [{ name: "", value: root }];
  }

  walk(body: Body, dot: TemplateValue): Flow {
    for (const node of body) {
      const flow = this.walkNode(node, dot);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  private walkNode(node: TemplateNode, dot: TemplateValue): Flow {
    switch (node.kind) {
      case "text":
        this.output += node.text;
        return "next";
      case "action": {
        const value = this.pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0)
          this.output += value === undefined || value === null ? "<no value>" : printValue(value);
        return "next";
      }
      case "break":
      case "continue":
        return node.kind;
      case "range":
        return this.scoped(() => this.range(node, dot));
      case "if":
      case "with":
        return this.scoped(() => {
          const value = this.pipe(node.pipe, dot);
          if (!isTruthy(value)) return this.walk(node.otherwise, dot);
          return this.walk(node.body, node.kind === "with" ? value : dot);
        });
    }
  }

  /** Variables made inside end with it. */
  private scoped(run: () => Flow): Flow {
    const depth = this.variables.length;
    const flow = run();
    this.variables.length = depth;
    return flow;
  }

  private range(node: Extract<TemplateNode, { pipe: Pipe; body: Body }>, dot: TemplateValue): Flow {
    const value = this.evaluate(node.pipe, dot);
    const entries = this.entriesOf(value, node.pipe);
    if (entries.length === 0) return this.walk(node.otherwise, dot);
    const [first, second] = node.pipe.variables;
    for (const [key, element] of entries) {
      const flow = this.scoped(() => {
        if (first !== undefined)
          this.setVariable(first, second === undefined ? element : key, node.pipe.isAssignment);
        if (second !== undefined) this.setVariable(second, element, node.pipe.isAssignment);
        return this.walk(node.body, element);
      });
      if (flow === "break") break;
    }
    return "next";
  }

  private entriesOf(value: TemplateValue, pipe: Pipe): readonly (readonly [TemplateValue, TemplateValue])[] {
    if (value === undefined || value === null) return [];
    if (isList(value)) return [...value.entries()];
    if (isMap(value)) return sortedKeys(value).map((key) => [key, value[key]]);
    if (typeof value === "number" && Number.isInteger(value) && value < 1e6) {
      return Array.from({ length: Math.max(value, 0) }, (_, index) => [index, index]);
    }
    const context = pipe.commands.map(renderCommand).join(" | ");
    throw new TemplateError(this.source, pipe.at, `range can't iterate over ${printValue(value)}`, context);
  }

  private setVariable(name: string, value: TemplateValue, isAssignment: boolean): void {
    const existing = isAssignment ? this.variables.findLast((variable) => variable.name === name) : undefined;
    if (existing) existing.value = value;
    else this.variables.push({ name, value });
  }

  private pipe(pipe: Pipe, dot: TemplateValue): TemplateValue {
    const value = this.evaluate(pipe, dot);
    for (const name of pipe.variables) this.setVariable(name, value, pipe.isAssignment);
    return value;
  }

  private evaluate(pipe: Pipe, dot: TemplateValue): TemplateValue {
    let value: TemplateValue;
    for (const [index, command] of pipe.commands.entries()) {
      value = this.command(command, dot, index === 0 ? [] : [value]);
    }
    return value;
  }

  /** `final`: what the pipe before it gave, as last argument. */
  private command(command: Command, dot: TemplateValue, final: readonly TemplateValue[]): TemplateValue {
    const [head, ...words] = command.words;
    if (!head) return undefined;
    if (head.kind === "function") return this.call(head, words, dot, final, command);
    const value = this.operand(head, dot);
    if (isMethod(value))
      return this.callMethod(value, head, [...words.map((word) => this.operand(word, dot)), ...final]);
    if (words.length + final.length > 0) {
      const name = head.kind === "field" || head.kind === "chain" ? head.names.at(-1) : undefined;
      const reason =
        name === undefined
          ? `can't give argument to non-function ${renderOperand(head)}`
          : `${name} has arguments but cannot be invoked as function`;
      throw this.problem(head.at, reason, renderOperand(head));
    }
    if (head.kind === "nil") throw this.problem(head.at, "nil is not a command", "nil");
    return value;
  }

  /** A function in a row, docker's `.Label "name"`. */
  private callMethod(method: TemplateMethod, head: Operand, args: readonly TemplateValue[]): TemplateValue {
    const names = args.map((arg) => {
      if (typeof arg === "string") return arg;
      throw this.problem(head.at, `expected string; found ${printValue(arg)}`, renderOperand(head));
    });
    if (names.length !== method.length) {
      const reason = `wrong number of args for ${renderOperand(head).slice(1)}: want ${method.length} got ${names.length}`;
      throw this.problem(head.at, reason, renderOperand(head));
    }
    return method(...names);
  }

  private call(
    head: Extract<Operand, { kind: "function" }>,
    words: readonly Operand[],
    dot: TemplateValue,
    final: readonly TemplateValue[],
    command: Command,
  ): TemplateValue {
    const found = templateFunctions().get(head.name);
    const count = words.length + final.length;
    if (!found || count < found.min || count > (found.max ?? count)) {
      const want = found?.max === found?.min ? `want ${found?.min}` : `want at least ${found?.min}`;
      throw this.problem(head.at, `wrong number of args for ${head.name}: ${want} got ${count}`, head.name);
    }
    if (head.name === "and" || head.name === "or") return this.shortCircuit(head.name, words, dot, final);
    const args = [...words.map((word) => this.operand(word, dot)), ...final];
    try {
      return found.call(args);
    } catch (thrown) {
      if (thrown instanceof ArgumentTypeError) {
        const blamed = words[0] ?? head;
        throw this.problem(blamed.at, thrown.message, renderOperand(blamed));
      }
      throw this.problem(head.at, `error calling ${head.name}: ${messageOf(thrown)}`, renderCommand(command));
    }
  }

  private shortCircuit(
    name: "and" | "or",
    words: readonly Operand[],
    dot: TemplateValue,
    final: readonly TemplateValue[],
  ): TemplateValue {
    let value: TemplateValue;
    for (const word of words) {
      value = this.operand(word, dot);
      if (isTruthy(value) === (name === "or")) return value;
    }
    return final.length > 0 ? final[0] : value;
  }

  private operand(operand: Operand, dot: TemplateValue): TemplateValue {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return undefined;
      case "constant":
        return operand.value;
      case "function":
        return this.call(operand, [], dot, [], { at: operand.at, words: [operand] });
      case "pipe":
        return this.pipe(operand.pipe, dot);
      case "field":
        return this.fields(dot, operand.names, operand);
      case "chain":
        return this.fields(this.operand(operand.base, dot), operand.names, operand);
      case "variable": {
        const variable = this.variables.findLast(({ name }) => name === operand.name);
        return this.fields(variable?.value, operand.names, operand);
      }
    }
  }

  private fields(base: TemplateValue, names: readonly string[], operand: Operand): TemplateValue {
    return names.reduce<TemplateValue>((value, name) => this.field(value, name, operand), base);
  }

  private field(value: TemplateValue, name: string, operand: Operand): TemplateValue {
    if (value instanceof GoStruct && value.has(name)) return value.get(name);
    if (isMap(value)) {
      if (Object.hasOwn(value, name)) return value[name];
      if (this.options.typeName !== undefined && value === this.root)
        throw this.noField(name, this.options.typeName, operand);
      if (!this.options.isStrict) return undefined;
      const reason = `map has no entry for key ${JSON.stringify(name)}`;
      throw this.problem(operand.at, reason, renderOperand(operand));
    }
    if (value === undefined || value === null) {
      if (!this.options.isStrict) return undefined;
      throw this.problem(
        operand.at,
        `nil data; no entry for key ${JSON.stringify(name)}`,
        renderOperand(operand),
      );
    }
    if (isNil(value))
      throw this.problem(operand.at, `nil pointer evaluating ${name}`, renderOperand(operand));
    throw this.noField(name, this.options.isStrict ? "interface {}" : typeName(value), operand);
  }

  private noField(name: string, type: string, operand: Operand): TemplateError {
    return this.problem(operand.at, `can't evaluate field ${name} in type ${type}`, renderOperand(operand));
  }

  private problem(at: number, reason: string, context: string): TemplateError {
    return new TemplateError(this.source, at, reason, context);
  }
}
