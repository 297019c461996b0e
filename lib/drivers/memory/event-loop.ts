// The real function, also where a test replaces the global one.
const immediate = setImmediate;

const TURNS = 10;

/** Lets the event loop turn, so that started promises, and the immediates that they start, run. */
export async function turnEventLoop(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => immediate(resolve));
}
