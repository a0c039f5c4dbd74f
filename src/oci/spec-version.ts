/**
 * The version of the OCI runtime specification that is followed here.
 */
export const specVersion = "1.2.0";
