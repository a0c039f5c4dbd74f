/**
 * Paths of the embedded image for x86_64, inside the binary or in a checkout. See embedded-image.ts.
 */
import documents from "../../build/image/x86_64/busybox.oci" with { type: "file" };
import layer from "../../build/image/x86_64/busybox.tar.zst" with { type: "file" };

export { documents, layer };
