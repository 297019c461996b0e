import type { Socket } from 'node:net';

/**
 * Ends connections of one cluster on which a request had no answer in time. kafkajs would go on to use
 * them, though the network may have lost them: no request would ever be answered again.
 */
export class SilentBrokers {
  private readonly sockets = new Map<Socket, string>();

  /** @param broker where the socket leads, as `host:port` */
  add(socket: Socket, broker: string): void {
    this.sockets.set(socket, broker);
    socket.once('close', () => this.sockets.delete(socket));
  }

  /** The broker did not answer: the next request has another connection. */
  end(broker: string): void {
    for (const [socket, leadsTo] of this.sockets) {
      if (leadsTo === broker) socket.destroy(new Error(`${broker} did not answer in time`));
    }
  }
}
