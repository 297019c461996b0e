import { randomBytes } from 'node:crypto';
import { errorRecord } from './errors/error-record.js';
import { RemoteError } from './errors/request.errors.js';
import { read } from './errors/text-of.js';
import type { Fields } from './message.js';
import type { LastReply, ReplySender } from './reply.js';
import type { RequestHeader } from './request-header.js';

/** Kinds of answers, by the letters that are written to reply boxes. The letters never change. */
export const AnswerKind = {
  /** A value. Another value or the end follows. */
  Value: 'v',
  /** The last value, and with it the end. */
  Last: 'l',
  /** The end, after all values. */
  End: 'e',
  /** The handler threw a value that is no Error. */
  Thrown: 't',
  /** An Error: its name, code and message. */
  Failed: 'f',
  /**
   * The consumer that read the request does not answer requests: an Error. Another group may
   * answer.
   */
  Refused: 'r',
  /** Bytes of a serializer of the application. Another packet follows. */
  Packet: 'p',
  /** The last packet of such a serializer. */
  LastPacket: 'q',
} as const;
export type AnswerKind = (typeof AnswerKind)[keyof typeof AnswerKind];

const GO_ON: readonly string[] = [AnswerKind.Value, AnswerKind.Packet];

/** Whether no further answer follows. */
export const isLast = (kind: AnswerKind): boolean => !GO_ON.includes(kind);

/** An answer as it is read from a box. */
export interface Answer {
  readonly id: number;
  /** Identifies the run that answers: an entry may run twice. */
  readonly run: string;
  /** Position among the answers of the run: 0, 1, … without gaps. */
  readonly place: number;
  readonly kind: AnswerKind;
  /** JSON; empty for `undefined`. */
  readonly body: string;
}

/** Undefined for fields that are no answer: another program wrote to the box. */
export function answerOf(fields: Fields): Answer | undefined {
  const [name, head = '', , body = ''] = fields;
  const [id, run, place, kind] = head.split(' ');
  if (name !== 'answer' || kind === undefined) return undefined;
  return { id: Number(id), run: run!, place: Number(place), kind: kind as AnswerKind, body };
}

const PROCESS = randomBytes(4).toString('hex');
let runs = 0;

/** The answers of one run of a request. */
export class RequestRun {
  /** Engine time after which an answer that cannot be written is given up, in milliseconds. */
  giveUpAt = 0;
  /** The box is gone: the caller no longer waits. */
  unheard = false;
  private readonly name = `${PROCESS}${(++runs).toString(36)}`;
  private places = 0;

  constructor(
    readonly header: RequestHeader,
    private readonly replies: ReplySender,
    private readonly maxBytes: number,
  ) {}

  /** Makes an answer that is written with the settlement. */
  answer(kind: AnswerKind, body: string): LastReply {
    // A text has at most three bytes per code unit, so only long texts need an exact count.
    const size = body.length * 3 > this.maxBytes ? Buffer.byteLength(body) : 0;
    return size > this.maxBytes
      ? this.failure(tooLarge(size, this.maxBytes))
      : this.reply(kind, body);
  }

  /** Makes an answer of an Error. */
  failure(error: unknown, kind: AnswerKind = AnswerKind.Failed): LastReply {
    return this.reply(kind, errorToJson(error));
  }

  /** Writes an answer that others follow. The position of the last answer reveals a lost one. */
  send(kind: AnswerKind, body: string): void {
    this.replies.send([this.answer(kind, body)]).then(
      ([outcome]) => {
        if (outcome === 'gone') this.unheard = true;
      },
      () => undefined,
    );
  }

  private reply(kind: AnswerKind, body: string): LastReply {
    const { box, id } = this.header;
    const head = `${id} ${this.name} ${this.places++} ${kind}`;
    return { to: box, fields: ['answer', head, 'body', body], giveUpAt: this.giveUpAt };
  }
}

/** Name, code and message. The stack stays in this process. */
export function errorToJson(error: unknown): string {
  const { name, message } = errorRecord(error);
  const code = typeof error === 'object' && error !== null ? read(error, 'code') : undefined;
  const known = typeof code === 'string' || typeof code === 'number';
  return JSON.stringify({ name, message, ...(known && { code }) });
}

/** An Error with the name, code and message of the one that was sent. */
export function errorFromJson(json: string): Error {
  const { name, code, message } = JSON.parse(json) as {
    name: string;
    code?: string | number;
    message: string;
  };
  return new RemoteError(name, code, message);
}

const tooLarge = (size: number, limit: number) => ({
  name: 'PayloadTooLargeError',
  code: 'PAYLOAD_TOO_LARGE',
  message: `The answer has ${size} bytes, the limit is ${limit}. Answer in parts, or raise maxPayloadBytes.`,
});
