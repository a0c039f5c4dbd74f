/** Events as lines and objects, and what filters of lists let through. */
import { describe, expect, test } from "bun:test";
import {
  eventFields,
  eventFilters,
  eventObject,
  matchesEvent,
  renderEvent,
} from "../../../src/cli/event-text.ts";
import { matchesExactly, matchesLabels, matchesPattern } from "../../../src/cli/filter-match.ts";
import { parseFilters } from "../../../src/cli/filter-option.ts";
import { parseFormat } from "../../../src/cli/format.ts";
import { keyValues, renderKeyValues } from "../../../src/cli/key-value.ts";
import type { EventRecord } from "../../../src/engine/watch-events.ts";

const die: EventRecord = {
  number: 7,
  timeMs: 1_700_000_000_123,
  type: "container",
  action: "die",
  id: "abcdef",
  attributes: { name: "web", image: "nginx:1.27", exitCode: "3", team: "a" },
};
const pull: EventRecord = {
  ...die,
  type: "image",
  action: "pull",
  id: "nginx:1.27",
  attributes: { name: "nginx:1.27" },
};

test("a line has its attributes in order", () => {
  expect(renderEvent(die)).toMatch(
    /^2023-11-1[45]T\d\d:\d\d:20\.123000000(Z|[+-]\d\d:\d\d) container die abcdef \(exitCode=3, image=nginx:1\.27, name=web, team=a\)$/,
  );
  expect(renderEvent({ ...die, attributes: {} })).toEndWith(" container die abcdef");
});

test("objects have docker's keys", () => {
  expect(eventObject(die)).toEqual({
    status: "die",
    id: "abcdef",
    from: "nginx:1.27",
    Type: "container",
    Action: "die",
    Actor: { ID: "abcdef", Attributes: die.attributes },
    scope: "local",
    time: 1_700_000_000,
    timeNano: 1_700_000_000_123_000_000,
  });
  expect(eventObject({ ...die, type: "volume" })).not.toHaveProperty("status");
  expect(eventFields(pull)).toMatchObject({ Status: "pull", From: "", Type: "image" });
});

test("a template that asks for an attribute that an event has not gets an empty one, as of Go's map of strings", () => {
  const format = '{{.Action}} {{index .Actor.Attributes "signal"}}|{{json .Actor.Attributes}}';
  expect(parseFormat(format).render(eventFields({ ...die, attributes: { name: "web" } }))).toBe(
    'die |{"name":"web"}',
  );
});

describe("filters of events", () => {
  const cases: readonly (readonly [string, EventRecord, boolean])[] = [
    ["type=container", die, true],
    ["type=image", die, false],
    ["event=die", die, true],
    ["event=start", die, false],
    ["event=exec_create", { ...die, action: "exec_create: sh -c true" }, true],
    ["container=web", die, true],
    ["container=abc", die, true],
    // docker looks for the beginning of a name, and not at the type.
    ["container=we", die, true],
    ["container=eb", die, false],
    ["container=web", pull, false],
    ["image=nginx", die, true],
    ["image=nginx:1.27", die, true],
    ["image=nginx:1.2", die, false],
    ["image=nginx", pull, true],
    ["label=team", die, true],
    ["label=team=b", die, false],
    ["scope=swarm", die, false],
    ["volume=web", die, true],
    ["volume=data", die, false],
    ["service=other", die, false],
  ];
  for (const [filter, event, expected] of cases) {
    test(`${filter} of ${event.type} ${event.action}: ${expected}`, () => {
      expect(matchesEvent(parseFilters([filter], eventFilters), event)).toBe(expected);
    });
  }

  test("of one name either, of several all", () => {
    const both = (...words: readonly string[]) => matchesEvent(parseFilters(words, eventFilters), die);
    expect(both("event=start", "event=die")).toBe(true);
    expect(both("event=die", "type=image")).toBe(false);
  });
});

test("filters of lists", () => {
  const filters = parseFilters(
    ["name=^w", "label=a", "label=b=1", "label!=x", "driver=local"],
    ["name", "label", "label!", "driver"],
  );
  expect(["web", "own"].map((name) => matchesPattern(filters, "name", name))).toEqual([true, false]);
  expect(matchesPattern(parseFilters(["name=("], ["name"]), "name", "(")).toBe(true);
  expect(matchesPattern(parseFilters(["name=("], ["name"]), "name", "x")).toBe(false);
  expect(matchesLabels(filters, { a: "", b: "1" })).toBe(true);
  expect(matchesLabels(filters, { a: "", b: "2" })).toBe(false);
  expect(matchesLabels(filters, { constructor: "" }, "label!")).toBe(false);
  expect([matchesExactly(filters, "driver", "local"), matchesExactly(filters, "driver", "loc")]).toEqual([
    true,
    false,
  ]);
  expect(matchesExactly(filters, "id", "anything")).toBe(true);
});

test("words of labels and options", () => {
  expect(keyValues(["a=1", "b", "c=x=y", "a=2"])).toEqual({ a: "2", b: "", c: "x=y" });
  expect(renderKeyValues({ b: "2", a: "" })).toBe("a=,b=2");
});
