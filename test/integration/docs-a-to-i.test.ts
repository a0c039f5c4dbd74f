/** The examples of docs/command/, a to i. */
import { testDocsPages } from "../lib/docs-pages.ts";

testDocsPages("docs/command", /^[a-i]/);
