// @ts-check
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, so that a port stays free for a restart. */
const PORTS = { from: 15_000, to: 32_000 };
const CLASHES = 10;

/** A port on which no program listens now. @returns {Promise<number>} */
export async function freePort() {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (await isFree(port)) return port;
  }
}

/**
 * Starts a server. Where another program takes its port first, it is tried on another port.
 *
 * @template {{ start(): Promise<unknown>, kill(): Promise<unknown>, forget?(): void }} Server
 * @param {(port: number) => Server} make
 * @param {number} [port] the only one that will do; default a free one
 * @returns {Promise<Server>} once it is ready
 */
export async function startedOnPort(make, port) {
  for (let tries = 1; ; tries++) {
    const server = make(port ?? (await freePort()));
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.kill();
      server.forget?.();
      if (!(error instanceof PortTakenError) || port !== undefined || tries === CLASHES)
        throw error;
    }
  }
}

/** Why a server did not start. @param {string} log what it said @returns {Error} */
export const startFailure = (log) =>
  /address already in use/i.test(log) ? new PortTakenError(log) : new Error(log);

class PortTakenError extends Error {}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
