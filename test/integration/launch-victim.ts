/**
 * An engine to be killed: starts a container in the root file system it is given, prints its pid, and stays.
 */
import { planStart } from "../../src/launch/plan-start.ts";
import { contextFor, specFor, startPlan } from "./launch-fixture.ts";

const spec = specFor(["sleep", "60"]);
const { process: started, output } = await startPlan(
  planStart(spec, contextFor(process.argv[2] ?? "", spec)),
);
process.stdout.write(`${started.pid}\n`);
await output;
