import type { Redis } from 'ioredis';
import { ReplyError } from '../reply-errors.js';
import { ReplyParser, type Reply } from './reply-parser.js';

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/**
 * Requests and replies over the socket of a client that ioredis has connected, authenticated and
 * set up. ioredis goes on to watch over the connection, and is given no more commands.
 */
export class Wire {
  private readonly socket: Redis['stream'];
  private waiter: Waiter | undefined;

  /** @param replyTimeout a reply that takes longer, with no data in between, will not come, ms */
  constructor(client: Redis, replyTimeout: number) {
    const socket = (this.socket = client.stream);
    const parser = new ReplyParser((reply) => this.answer(reply));
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => {
      try {
        parser.write(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.once('close', () => this.fail(new Error('Connection is closed.')));
    socket.setTimeout(replyTimeout, () => {
      if (this.waiter) socket.destroy(new Error(`No reply came within ${replyTimeout} ms`));
    });
  }

  /**
   * One request at a time.
   * @throws ReplyError when the server refuses it
   * @throws Error when the connection ends before the reply
   */
  request(command: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.socket.writable) return reject(new Error("Stream isn't writeable"));
      this.waiter = { resolve, reject };
      this.socket.write(command);
    });
  }

  private answer(reply: Reply): void {
    if (reply instanceof ReplyError) this.fail(reply);
    else this.take()?.resolve(reply);
  }

  private fail(error: Error): void {
    this.take()?.reject(error);
  }

  private take(): Waiter | undefined {
    const { waiter } = this;
    this.waiter = undefined;
    return waiter;
  }
}

/** A command as the server reads it. */
export function encodeCommand(args: readonly (string | number)[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) {
    const value = String(arg);
    text += `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  }
  return text;
}
