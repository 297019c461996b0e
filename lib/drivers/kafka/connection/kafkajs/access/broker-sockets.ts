import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory, ISocketFactoryArgs } from 'kafkajs';
import { NOT_KAFKA } from '../library/kafkajs-errors.js';

/** An answer cannot be longer, in bytes: another server than a broker has sent something else. */
const LONGEST_ANSWER = 0x20_00_00_00;
const KEEP_ALIVE = 60_000;

/** What is told of sockets. */
export interface SocketNews {
  /** A broker has accepted a connection. */
  onOpen(): void;
  /** A connection could not be made, and none is open. */
  onFailed(error: Error): void;
}

/** The sockets of one driver to all brokers: counts them, and ends all of them. */
export class BrokerSockets {
  private readonly all = new Set<Socket>();
  private readonly open = new Set<Socket>();
  private closed = false;

  constructor(private readonly news: SocketNews) {}

  /** How many connections are open. */
  get size(): number {
    return this.open.size;
  }

  /**
   * For the option `socketFactory` of kafkajs.
   * @param onSocket gets each new socket, and its broker as `host:port`
   */
  factory(onSocket?: (socket: Socket, broker: string) => void): ISocketFactory {
    return (args) => {
      const socket = this.closed ? refused() : this.connected(args);
      onSocket?.(socket, `${args.host}:${args.port}`);
      return socket;
    };
  }

  /** Breaks all connections. New ones are refused. */
  destroy(): void {
    this.closed = true;
    // The error is what tells kafkajs: of a socket that is closed without one it learns nothing.
    for (const socket of this.all) socket.destroy(closedError());
    this.open.clear();
  }

  private connected({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    const opened = (): void => {
      this.open.add(socket);
      this.news.onOpen();
      onConnect();
    };
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl
      ? tls.connect({ host, port, ...name, ...ssl }, opened)
      : net.connect({ host, port }, opened);
    socket.setKeepAlive(true, KEEP_ALIVE);
    // While a broker does not answer, each caller that gives it up adds one (kafkajs calls `unref`).
    socket.setMaxListeners(0);
    this.all.add(socket);
    let failure: Error | undefined;
    socket.once('error', (error) => (failure = error));
    socket.once('close', () => {
      const wasOpen = this.open.delete(socket);
      this.all.delete(socket);
      if (failure && !wasOpen && this.size === 0) this.news.onFailed(failure);
    });
    socket.once('data', (first: Buffer) => refuseOthers(socket, first));
    return socket;
  }
}

/** What a broker says to a client without TLS begins so, where it asks for TLS. */
const TLS_ALERT = Buffer.from([0x15, 0x03]);

/** kafkajs would wait for all of an answer of gigabytes. */
function refuseOthers(socket: Socket, first: Buffer): void {
  const length = first.length < 4 ? 0 : first.readInt32BE();
  const isTls = first.subarray(0, TLS_ALERT.length).equals(TLS_ALERT);
  if (!isTls && length >= 0 && length <= LONGEST_ANSWER) return;
  const error = new Error('the server that has answered is no broker of Kafka');
  socket.destroy(Object.assign(error, { code: NOT_KAFKA }));
}

const closedError = (): Error =>
  Object.assign(new Error('the driver was closed'), { code: 'ECLOSED' });

function refused(): Socket {
  const socket = new net.Socket();
  setImmediate(() => socket.destroy(closedError()));
  return socket;
}
