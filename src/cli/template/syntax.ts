/**
 * The tree of a parsed template, and its nodes as text, as Go's error messages quote them. Types and printing only.
 */

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipe: Pipe;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | { readonly kind: "break" | "continue" };

export type Body = readonly TemplateNode[];

export interface Pipe {
  readonly at: number;
  /** Variables it sets, with their names; for range, index and element. */
  readonly variables: readonly string[];
  /** `=` changes one that is there, `:=` makes a new one. */
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly at: number;
  readonly words: readonly Operand[];
}

export type Operand =
  | { readonly kind: "dot" | "nil"; readonly at: number }
  | {
      readonly kind: "constant";
      readonly at: number;
      readonly value: string | number | boolean;
      readonly text: string;
    }
  | { readonly kind: "function"; readonly at: number; readonly name: string }
  | { readonly kind: "field"; readonly at: number; readonly names: readonly string[] }
  | {
      readonly kind: "variable";
      readonly at: number;
      readonly name: string;
      readonly names: readonly string[];
    }
  | { readonly kind: "chain"; readonly at: number; readonly base: Operand; readonly names: readonly string[] }
  | { readonly kind: "pipe"; readonly at: number; readonly pipe: Pipe };

/** As it would be written: the part of Go's messages in angle brackets. */
export function renderOperand(operand: Operand): string {
  switch (operand.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "constant":
      return operand.text;
    case "function":
      return operand.name;
    case "field":
      return dotted(operand.names);
    case "variable":
      return `$${operand.name}${dotted(operand.names)}`;
    case "chain":
      return `${renderOperand(operand.base)}${dotted(operand.names)}`;
    case "pipe":
      return `(${operand.pipe.commands.map(renderCommand).join(" | ")})`;
  }
}

export function renderCommand(command: Command): string {
  return command.words.map(renderOperand).join(" ");
}

function dotted(names: readonly string[]): string {
  return names.map((name) => `.${name}`).join("");
}
