/** The examples of docs/command/, s to z. */
import { testDocsPages } from "../lib/docs-pages.ts";

testDocsPages("docs/command", /^[s-z]/);
