/**
 * --format: outputs and messages were compared with docker's client 28.2.2 (`docker context inspect --format`), other
 * than where it says Go.
 */
import { describe, expect, test } from "bun:test";
import { parseFormat } from "../../../src/cli/format.ts";
import { sprintf } from "../../../src/cli/template/printf.ts";

const value = {
  Name: "default",
  Count: 3,
  Ratio: 2.5,
  Empty: "",
  Nothing: null,
  Flag: true,
  List: ["a", "b", "c"],
  Map: { z: 1, a: [true, null] },
  Deep: { Inner: { Host: "unix:///x" } },
  Label: (name: string) => `label ${name}`,
};

function render(template: string): string {
  return parseFormat(template, { isStrict: true }).render(value);
}

const outputs: readonly (readonly [string, string])[] = [
  ["plain", "plain"],
  ["{{.Name}}", "default"],
  ["{{.Deep.Inner.Host}}", "unix:///x"],
  ["{{.Count}} {{.Ratio}} {{.Flag}} {{.Nothing}}", "3 2.5 true <no value>"],
  ["{{.List}} {{.Map}}", "[a b c] map[a:[true <nil>] z:1]"],
  ["{{json .Map}} {{json .Name}} {{.List | json}}", '{"z":1,"a":[true,null]} "default" ["a","b","c"]'],
  ['{{.Name | upper | printf "%5s|%-12s|%q|%v" "a" "b"}}', '    a|b           |"DEFAULT"|%!v(MISSING)'],
  ["{{range $k,$v := .Map}}{{$k}}={{$v}};{{end}}", "a=[true <nil>];z=1;"],
  ["{{range .List}}{{.}},{{end}}", "a,b,c,"],
  ["{{range $i, $e := .List}}{{if $i}},{{end}}{{$e}}{{end}}", "a,b,c"],
  ["{{range .Nothing}}x{{else}}none{{end}}", "none"],
  ['{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"],
  ['{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"],
  ["{{range 3}}{{.}}{{end}}", "012"],
  ["{{if .Empty}}1{{else if .Nothing}}2{{else if .Flag}}3{{else}}4{{end}}", "3"],
  ["{{with .Deep}}{{.Inner.Host}}{{end}}{{with .Empty}}x{{else}}n{{end}}", "unix:///xn"],
  ["{{with $x := .Name}}{{$x}}{{$.Count}}{{end}}", "default3"],
  ["{{$x := 1}}{{range .List}}{{$x = .}}{{end}}{{$x}}", "c"],
  ['{{index .Map "nope"}} {{index .Map "z"}} {{index .List 1}}', "<no value> 1 b"],
  ['{{(index .Deep "Inner").Host}}', "unix:///x"],
  ["{{len .Name}} {{len .List}} {{len .Map}}", "7 3 2"],
  [
    '{{eq .Name "default"}} {{eq .Count 1 2 3}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
    "true true true true true true false",
  ],
  ['{{and 1 0}} {{or "" "x"}} {{not 1}} {{and 1 2}} {{or 0 ""}}', "0 x false 2 "],
  ["{{and .Empty (index .List 99)}}|{{or .Name (index .List 99)}}", "|default"],
  [
    '{{join (split "a,b" ",") "-"}} {{title "ab cd"}} {{pad "x" 1 2}}| {{truncate "abcdef" 3}} {{slice "abcdef" 1 3}}',
    "a-b Ab Cd  x  | abc bc",
  ],
  ['{{println "x" 1 2.5 nil}}', "x 1 2.5 <nil>\n"],
  ['{{print 1 2 "a" "b" 3}}', "1 2ab3"],
  ["a {{- .Name -}} b {{/* c */}}{{- /* d */ -}} e", "adefaultb e"],
  ["{{- 3}} {{-3}} {{1.50}} {{0x10}} {{1e3}} {{'a'}} {{true}}", "3 -3 1.5 16 1000 97 true"],
  ['{{"\\u00e9\\n\\x41"}}{{`r"w`}}', 'é\nAr"w'],
  ['{{html "<a>"}}{{js "x\'"}}{{urlquery "a b"}}', "&lt;a&gt;x\\'a+b"],
  ['{{.Label "x"}} {{"y" | .Label}}', "label x label y"],
  ["{{.Name | }}", "default"],
  ["}} { {", "}} { {"],
];

describe("outputs", () => {
  for (const [template, text] of outputs) test(template, () => expect(render(template)).toBe(text));
});

const errors: readonly (readonly [string, string])[] = [
  ["{{", ":1: unclosed action"],
  ["{{.Name", ":1: unclosed action"],
  ["{{.Name}}{{", ":1: unclosed action"],
  ["{{if .Name}}x", ":1: unexpected EOF"],
  ["{{end}}", ":1: unexpected {{end}}"],
  ["{{else}}", ":1: unexpected {{else}}"],
  ["{{foo .Name}}", ':1: function "foo" not defined'],
  ["{{$x}}", ':1: undefined variable "$x"'],
  ["{{if 1}}{{$x := 1}}{{end}}{{$x}}", ':1: undefined variable "$x"'],
  ['{{"a', ":1: unterminated quoted string"],
  ["{{ .Name }", ':1: unexpected "}" in operand'],
  ["{{break}}", ":1: {{break}} outside {{range}}"],
  ["x\n{{foo}}", ':2: function "foo" not defined'],
  ["{{}}", ":1: missing value for command"],
  ["{{(1}}", ":1: unclosed left paren"],
  ['{{template "x"}}', ":1: unexpected {{template}}: not supported in a format"],
  ["{{.Foo}}", ':1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
  ["{{.Deep.Inner.Foo}}", ':1:7: executing "" at <.Deep.Inner.Foo>: map has no entry for key "Foo"'],
  ["ab\n c{{.Foo}}", ':2:4: executing "" at <.Foo>: map has no entry for key "Foo"'],
  ["{{.constructor}}", ':1:2: executing "" at <.constructor>: map has no entry for key "constructor"'],
  ["{{.Name.Foo}}", ':1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}'],
  ["{{.Nothing.Foo}}", ':1:10: executing "" at <.Nothing.Foo>: nil data; no entry for key "Foo"'],
  [
    "{{index .Name 99}}",
    ':1:2: executing "" at <index .Name 99>: error calling index: index out of range: 99',
  ],
  [
    "{{lt .Name 1}}",
    ':1:2: executing "" at <lt .Name 1>: error calling lt: incompatible types for comparison',
  ],
  ["{{eq .List 1}}", ':1:2: executing "" at <eq .List 1>: error calling eq: non-comparable type'],
  ["{{range .Name}}{{end}}", ':1:8: executing "" at <.Name>: range can\'t iterate over default'],
  ["{{range .Empty}}x{{end}}", ':1:8: executing "" at <.Empty>: range can\'t iterate over '],
  ["{{nil}}", ':1:2: executing "" at <nil>: nil is not a command'],
  ["{{upper 1}}", ':1:8: executing "" at <1>: expected string; found 1'],
  ["{{.Name .Name}}", ':1:2: executing "" at <.Name>: Name has arguments but cannot be invoked as function'],
  ["{{join .Name}}", ':1:2: executing "" at <join>: wrong number of args for join: want 2 got 1'],
  ["{{.Label}}", ':1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0'],
  [
    "{{slice .Name 3 1}}",
    ':1:2: executing "" at <slice .Name 3 1>: error calling slice: invalid slice index: 3 > 1',
  ],
];

describe("errors", () => {
  for (const [template, message] of errors) {
    test(JSON.stringify(template), () => {
      expect(() => render(template)).toThrow(new Error(`template parsing error: template: ${message}`));
    });
  }
});

describe("rows", () => {
  const rows = [
    { ID: "abc", Names: "web", Label: (name: string) => name },
    { ID: "defghijklmno", Names: "db", Label: (_: string) => "" },
  ];
  const options = {
    headers: { ID: "CONTAINER ID" },
    typeName: "*formatter.ContainerContext",
    defaultTable: "{{.ID}}\t{{.Names}}",
  };

  test("a template is a line a row, with the shell's \\t and \\n", () => {
    expect(parseFormat("{{.ID}}\\t{{.Names}}", options).renderRows(rows)).toBe(
      "abc\tweb\ndefghijklmno\tdb\n",
    );
  });

  test("a table has titles and columns", () => {
    expect(
      parseFormat('table {{.ID}}\t{{upper .Names}}\t{{.Label "com.x-y"}}', options).renderRows(rows),
    ).toBe("CONTAINER ID   NAMES     x y\nabc            WEB       com.x-y\ndefghijklmno   DB        \n");
    expect(parseFormat("table", options).renderRows(rows)).toStartWith("CONTAINER ID   NAMES\n");
  });

  test("json is one object a line, without the row's functions", () => {
    expect(parseFormat("json").renderRows(rows)).toBe(
      '{"ID":"abc","Names":"web"}\n{"ID":"defghijklmno","Names":"db"}\n',
    );
  });

  test("a field that rows do not have is an error, even with the type's name", () => {
    expect(() => parseFormat("{{.Foo}}", options).renderRows(rows)).toThrow(
      'executing "" at <.Foo>: can\'t evaluate field Foo in type *formatter.ContainerContext',
    );
    expect(parseFormat("{{.Foo}}").renderRows([{}])).toBe("<no value>\n");
  });
});

describe("templates that ask for too much", () => {
  const cases: readonly (readonly [string, string])[] = [
    [`{{${"(".repeat(50_000)}1${")".repeat(50_000)}}}`, "nested more than 200 deep"],
    ["{{if 1}}".repeat(20_000) + "{{end}}".repeat(20_000), "nested more than 200 deep"],
    [`{{if 1}}${"{{else if 1}}".repeat(20_000)}{{end}}`, "nested more than 200 deep"],
    ["{{pad .Name 2000000000 1}}", "error calling pad: too many blanks: 2000000000"],
  ];
  for (const [template, message] of cases) {
    test(template.slice(0, 30), () => expect(() => render(template)).toThrow(message));
  }

  test("many actions beside each other are not deep", () => {
    expect(render("{{if (1)}}x{{end}}".repeat(1000))).toBe("x".repeat(1000));
  });
});

describe("printf as Go", () => {
  const cases: readonly (readonly [string, readonly unknown[], string])[] = [
    ["%d %s", [1, "a"], "1 a"],
    ["%d", ["x"], "%!d(string=x)"],
    ["%s", [1], "%!s(int=1)"],
    ["%d", [], "%!d(MISSING)"],
    ["x", [1], "x%!(EXTRA int=1)"],
    ["%5d|%-5d|%05d|%+d", [7, 7, -7, 7], "    7|7    |-0007|+7"],
    ["%.2f %6.1f %e", [1.005, 2.25, 12345.678], "1.00    2.3 1.234568e+04"],
    ["%x %X %o %b %c", [255, 255, 8, 5, 97], "ff FF 10 101 a"],
    ["%x %q %.2s %t %v%%", ["hi", 'a"b', "abc", true, null], '6869 "a\\"b" ab true <nil>%'],
    ["%s %T %T", [["a", "b"], {}, 1.5], "[a b] map[string]interface {} float64"],
    ["%!", [1], "%!!(int=1)"],
    ["a %99999999999s b", ["x"], "a %!(NOVERB)%!(EXTRA string=x)"],
    ["%d %.2147483648f", [1, 2], "1 %!(NOVERB)%!(EXTRA int=2)"],
    ["%c%c", [-1, 0x110000], "\uFFFD\uFFFD"],
    ["%.102f", [0.5], `0.5${"0".repeat(101)}`],
    ["%.102e", [1.5], `1.5${"0".repeat(101)}e+00`],
  ];
  for (const [format, values, text] of cases) {
    test(`${format} ${JSON.stringify(values)}`, () => expect(sprintf(format, values)).toBe(text));
  }
});
