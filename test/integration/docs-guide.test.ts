/** The examples of the pages of docs/ that are about more than one command. */
import { testDocsPages } from "../lib/docs-pages.ts";

testDocsPages("docs", /^(build|network|restart-and-boot|spellings|toml|volumes|walls)\.md$/);
