/** The examples of docs/command/, j to r. */
import { testDocsPages } from "../lib/docs-pages.ts";

testDocsPages("docs/command", /^[j-r]/);
