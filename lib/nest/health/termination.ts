const SIGNAL = 'SIGTERM';

const told = new Set<() => void>();

/** One listener for all: each further one would count as one of the application's own. */
function terminate(): void {
  const tells = [...told];
  // A health that begins from now on adds a listener of its own.
  told.clear();
  for (const tell of tells) tell();
  // With this listener alone the signal would be swallowed: it ends the process, as without health.
  if (process.listenerCount(SIGNAL) === 0) process.kill(process.pid, SIGNAL);
}

/**
 * Calls a function once this process is told to end by SIGTERM, before any listener of the application
 * hears of it. What the signal does otherwise stays as it is.
 * @returns a function that ends this
 */
export function whenTerminated(tell: () => void): () => void {
  if (told.size === 0) process.prependOnceListener(SIGNAL, terminate);
  told.add(tell);
  return () => {
    told.delete(tell);
    if (told.size === 0) process.off(SIGNAL, terminate);
  };
}
