export async function renderDryRun(): Promise<string> {
  return "";
}
