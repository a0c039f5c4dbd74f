import { expect, test } from "bun:test";
import {
  findImageByReference,
  findImagesByIdPrefix,
  getImage,
  listImages,
  listTags,
  removeImage,
  removeTag,
  setTag,
  tagsOfImage,
  upsertImage,
} from "../../../src/state/image.ts";
import type { ImageRecord } from "../../../src/state/record.ts";
import { addContainer, stateFixture } from "./state-fixture.ts";

function anImage(start: string, changes: Partial<ImageRecord> = {}): ImageRecord {
  return {
    id: `sha256:${start.padEnd(64, "0")}`,
    manifestDigest: `sha256:${"f".repeat(64)}`,
    createdAtMs: 1,
    sizeBytes: 10,
    layers: ["sha256:aa", "sha256:bb"],
    os: "linux",
    architecture: "amd64",
    ...changes,
  };
}

test("an image comes back as it went in, and is replaced as a whole", () => {
  using fixture = stateFixture();
  upsertImage(fixture.state, anImage("a1"));
  expect(getImage(fixture.state, anImage("a1").id)).toEqual(anImage("a1"));
  upsertImage(fixture.state, anImage("a1", { sizeBytes: 11 }));
  expect(listImages(fixture.state)).toEqual([anImage("a1", { sizeBytes: 11 })]);
});

test("a tag moves, and tells what it left", () => {
  using fixture = stateFixture();
  const { state } = fixture;
  upsertImage(state, anImage("a1"));
  upsertImage(state, anImage("b1"));
  const reference = "docker.io/library/x:1";
  expect(setTag(state, { reference, imageId: anImage("a1").id })).toBeUndefined();
  expect(
    setTag(state, { reference, imageId: anImage("a1").id, repoDigest: "docker.io/library/x@sha256:1" }),
  ).toBeUndefined();
  expect(findImageByReference(state, "docker.io/library/x@sha256:1")?.id).toBe(anImage("a1").id);
  expect(setTag(state, { reference, imageId: anImage("b1").id })).toBe(anImage("a1").id);
  expect(findImageByReference(state, reference)?.id).toBe(anImage("b1").id);
  expect(findImageByReference(state, "docker.io/library/x@sha256:1")).toBeUndefined();
  expect(tagsOfImage(state, anImage("b1").id)).toMatchObject([{ reference, imageId: anImage("b1").id }]);
  expect(removeTag(state, reference)).toBe(true);
  expect(removeTag(state, reference)).toBe(false);
  expect(listImages(state).length).toBe(2);
});

test("a tag needs its image", () => {
  using fixture = stateFixture();
  expect(() => setTag(fixture.state, { reference: "x", imageId: "sha256:none" })).toThrow("FOREIGN KEY");
});

test("ids are found by prefix", () => {
  using fixture = stateFixture();
  for (const start of ["a1", "a2", "b"]) upsertImage(fixture.state, anImage(start));
  const found = (prefix: string) =>
    findImagesByIdPrefix(fixture.state, prefix).map(({ id }) => id.slice(7, 9));
  expect(found("a")).toEqual(["a1", "a2"]);
  expect(found("sha256:a2")).toEqual(["a2"]);
  expect(found(anImage("b").id)).toEqual(["b0"]);
  for (const none of ["c", "", "%", "A1", "sha256:"]) expect(found(none)).toEqual([]);
});

test("an image goes with its tags, but not from under a container", () => {
  using fixture = stateFixture();
  const { state } = fixture;
  const { id } = anImage("a1");
  upsertImage(state, anImage("a1"));
  setTag(state, { reference: "x", imageId: id });
  const container = addContainer(state, { imageId: id });
  expect(() => removeImage(state, id)).toThrow(
    `image is being used by container ${container.id.slice(0, 12)}`,
  );
  state.run("DELETE FROM containers");
  expect(removeImage(state, id)).toBe(true);
  expect(removeImage(state, id)).toBe(false);
  expect(listTags(state)).toEqual([]);
});
