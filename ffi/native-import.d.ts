/** What an import with type "file" is: a path. */
declare module "*.elf" {
  const path: string;
  export default path;
}

declare module "*.so" {
  const path: string;
  export default path;
}
