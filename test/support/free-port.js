// @ts-check
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, so that a port stays free for a restart. */
const PORTS = { from: 15_000, to: 32_000 };
const CLASHES = 10;

/**
 * A port on which no program listens now, nor on the ones after it.
 *
 * @param {number} [width] how many ports in a row
 * @returns {Promise<number>} the first of them
 */
export async function freePort(width = 1) {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (await areFree(port, width)) return port;
  }
}

/**
 * Starts a server. Where another program takes its port first, it is tried on another port.
 *
 * @template {{ start(): Promise<unknown>, kill(): Promise<unknown>, forget?(): void }} Server
 * @param {(port: number) => Server} make
 * @param {{ port?: number, width?: number }} [options] `port`: the only one that will do, default a free
 * one. `width`: how many ports in a row are the server's, default 1
 * @returns {Promise<Server>} once it is ready
 */
export async function startedOnPort(make, { port, width } = {}) {
  const start = async () => {
    const server = make(port ?? (await freePort(width)));
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.kill();
      server.forget?.();
      throw error;
    }
  };
  return port === undefined ? onOtherPorts(start) : start();
}

/**
 * Starts servers. Where another program takes a port first, they are started once more.
 *
 * @template Servers
 * @param {() => Promise<Servers>} start leaves nothing running where it fails
 * @returns {Promise<Servers>}
 */
export async function onOtherPorts(start) {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === CLASHES) throw error;
    }
  }
}

/** Why a server did not start. @param {string} log what it said @returns {Error} */
export const startFailure = (log) =>
  /address already in use/i.test(log) ? new PortTakenError(log) : new Error(log);

class PortTakenError extends Error {}

/** @param {number} port @param {number} width @returns {Promise<boolean>} */
async function areFree(port, width) {
  for (let step = 0; step < width; step++) {
    if (!(await isFree(port + step))) return false;
  }
  return true;
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
