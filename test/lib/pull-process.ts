/**
 * `bun pull-process.ts ROOT NAME`: one pull in a process of its own, for tests that kill it or run two at once.
 */
import { pullImage } from "../../src/engine/pull.ts";
import { pathsUnder } from "../../src/host/paths.ts";
import { parseReference, withDefaultTag } from "../../src/image/reference.ts";
import { defaultRegistrySettings } from "../../src/registry/registry-settings.ts";
import { openState } from "../../src/state/state.ts";

const [root = "", name = ""] = process.argv.slice(2);
const paths = pathsUnder(root, `${root}/run`);
using state = openState(paths);
await pullImage({ paths, state, registries: defaultRegistrySettings }, withDefaultTag(parseReference(name)));
