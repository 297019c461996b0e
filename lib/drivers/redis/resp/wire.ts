import type { Redis } from 'ioredis';
import { ReplyError } from '../errors/reply-errors.js';
import { ReplyParser, type Reply } from './reply-parser.js';

/** Awaits one or more replies, in the order of the queue. */
export interface Waiter {
  /** @returns whether this was the last reply */
  answer(reply: Reply): boolean;
  /** The connection ended before all replies had arrived. */
  fail(error: Error): void;
}

/**
 * Requests and replies over the socket of a client that ioredis has connected, authenticated and
 * set up. ioredis goes on watching the connection, and is given no more commands.
 */
export class Wire {
  // Hidden from output that prints this object: they hold the password, and the private key of TLS.
  readonly #client: Redis;
  readonly #socket: Redis['stream'];
  private readonly parser: ReplyParser;
  private readonly timer: NodeJS.Timeout;
  private waiting: Waiter[] = [];
  /** Index of the next waiter. Those before it have been answered. */
  private next = 0;

  /**
   * @param replyTimeout a reply that takes longer than this, in milliseconds, with no data in
   * between, will not come
   */
  constructor(client: Redis, replyTimeout: number) {
    this.#client = client;
    const socket = (this.#socket = client.stream);
    this.timer = setTimeout(() => {
      if (this.next < this.waiting.length)
        socket.destroy(new Error(`No reply came within ${replyTimeout} ms`));
    }, replyTimeout).unref();
    const parser = (this.parser = new ReplyParser(this.answer));
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => {
      if (this.next < this.waiting.length) this.timer.refresh();
      try {
        parser.write(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.once('close', () => this.closed());
  }

  /** A part of a reply has arrived, and the rest has not. */
  get hasPartOfReply(): boolean {
    return this.parser.isWithinReply;
  }

  get client(): Redis {
    return this.#client;
  }

  /** The connection has not ended. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  /** Ends the connection at once. */
  end(): void {
    this.#socket.destroy();
  }

  /**
   * Writes one or more commands. Their replies go to `waiters`, each of which takes as many as it
   * awaits.
   */
  send(commands: string, waiters: readonly Waiter[]): void {
    if (!this.#socket.writable) {
      const error = new Error("Stream isn't writeable");
      for (const waiter of waiters) waiter.fail(error);
      return;
    }
    // Only from here on: what is written later must not hide that earlier replies are missing.
    if (this.next === this.waiting.length) this.timer.refresh();
    for (const waiter of waiters) this.waiting.push(waiter);
    this.#socket.write(commands);
  }

  /**
   * Sends one command. @returns its reply
   * @param asking on a cluster: the owner of a moving slot has named this node
   * @throws ReplyError where the server refuses the command
   * @throws Error where the connection ends before the reply
   */
  request(command: string, asking = false): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const answer = (reply: Reply): true => {
        if (reply instanceof ReplyError) reject(reply);
        else resolve(reply);
        return true;
      };
      const waiter = { answer, fail: reject };
      if (asking) this.send(ASKING + command, [IGNORED, waiter]);
      else this.send(command, [waiter]);
    });
  }

  private readonly answer = (reply: Reply): void => {
    if (!this.waiting[this.next]?.answer(reply)) return;
    this.next++;
    if (this.next < this.waiting.length && this.next < 1000) return;
    this.waiting.splice(0, this.next);
    this.next = 0;
  };

  private closed(): void {
    clearTimeout(this.timer);
    const unanswered = this.waiting.splice(0).slice(this.next);
    this.next = 0;
    const error = new Error('Connection is closed.');
    for (const waiter of unanswered) waiter.fail(error);
  }
}

/** For replies that are ignored. */
const IGNORED: Waiter = { answer: () => true, fail: () => undefined };

/** A command in the protocol of the server. */
export function encodeCommand(args: readonly (string | number)[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) {
    const one = String(arg);
    text += `$${Buffer.byteLength(one)}\r\n${one}\r\n`;
  }
  return text;
}

const ASKING = encodeCommand(['ASKING']);

export function encodeText(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
