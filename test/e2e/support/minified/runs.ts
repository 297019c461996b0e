/** What the two controllers have handled. */
export const runs: string[] = [];
