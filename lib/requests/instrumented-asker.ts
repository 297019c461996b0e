import { AnswerKind, isLast } from '../core/answer.js';
import { RemoteError } from '../core/errors/request.errors.js';
import type { Sending } from '../core/instrumentation.js';
import type { Asker } from './pending-request.js';

/** Hands answers to the caller in the context of its request. The last answer ends the request. */
export class InstrumentedAsker implements Asker {
  private isEnded = false;

  constructor(
    private readonly sending: Sending,
    private readonly asker: Asker,
  ) {}

  answered(kind: AnswerKind, body: string): void {
    if (isLast(kind)) this.end(kind === AnswerKind.Thrown ? thrown() : undefined);
    this.sending.within(() => this.asker.answered(kind, body));
  }

  failed(error: Error): void {
    this.end(error);
    this.sending.within(() => this.asker.failed(error));
  }

  /** Ends the request, unless it has ended: the caller no longer waits. */
  end(error?: Error): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.sending.ended(error);
  }
}

/** The value itself is for the caller alone. */
const thrown = (): Error =>
  new RemoteError('Error', undefined, 'The handler threw a value that is no Error');
