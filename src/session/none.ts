/** The empty list that most lists of a session are: an array of each one's own would take 32 bytes, and there are many. */
export const NONE: readonly never[] = /* @__PURE__ */ Object.freeze([]);
