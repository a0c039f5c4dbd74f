/** Embedded archives are imported as paths. */
declare module "*.tar.zst" {
  const path: string;
  export default path;
}

declare module "*.oci" {
  const path: string;
  export default path;
}
