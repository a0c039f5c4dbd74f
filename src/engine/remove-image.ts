/**
 * `rmi`: the store's own removal, as a use case. What is left unreachable goes with it.
 */
export { type RemovedImage, removeImage } from "../storage/remove-image.ts";
