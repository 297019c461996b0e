import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node tells here of each socket that a program opens. */
const OPENED = 'net.client.socket';

const dialled = new AsyncLocalStorage<Set<Socket>>();

/**
 * Makes a connection, and closes what it has opened where it fails. The client leaves a socket open to a
 * port that never says what it is: the process would not end.
 */
export async function withoutLeftovers<T>(connect: () => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  subscribe(OPENED, note);
  try {
    return await dialled.run(sockets, connect);
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  } finally {
    // Sockets of a later reconnection are none of these.
    unsubscribe(OPENED, note);
  }

  function note(message: unknown): void {
    if (dialled.getStore() === sockets)
      sockets.add((message as { readonly socket: Socket }).socket);
  }
}
