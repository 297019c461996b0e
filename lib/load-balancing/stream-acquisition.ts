import { ClaimFailedError } from '../core/errors/balancing.errors.js';
import type { StreamInput } from '../ports/stream-inputs.js';
import type { Announcements } from './announcements.js';
import type { StreamPayload } from './notifications.js';
import { OwnedStream } from './owned-stream.js';
import type { StreamOwner } from './stream-owner.js';

export interface StreamAcquisitionOptions {
  readonly announcements: Announcements;
  readonly streamOwner: StreamOwner;
  readonly onFailure: (error: Error) => void;
}

/** Makes announced streams this consumer's own: from new inputs, by a hand-over, or by a claim. */
export class StreamAcquisition {
  constructor(private readonly options: StreamAcquisitionOptions) {}

  async accept(read: readonly StreamInput[]): Promise<void> {
    await Promise.all(read.map((input) => this.acceptOne(input).catch(this.options.onFailure)));
  }

  /** Where this fails, the input stays pending to this consumer, and the next look finds it. */
  private async acceptOne(input: StreamInput): Promise<void> {
    const assignment = await this.options.announcements.accept(input);
    if (assignment) await this.options.streamOwner.take(assignment, true);
  }

  /** Where this fails, the lock expires, and a look finds the stream. */
  async acceptHanded(id: string, token: number): Promise<void> {
    const assignment = await this.options.announcements.find(id);
    if (assignment) await this.options.streamOwner.accept(assignment, token);
  }

  /**
   * @throws ClaimFailedError where another consumer owns the stream, or its input is not pending
   * any more
   */
  async claim({ dataStreamName, idInLbs }: StreamPayload): Promise<OwnedStream> {
    const { streamOwner, announcements } = this.options;
    const owned = streamOwner.owned.get(dataStreamName);
    if (owned?.id === idInLbs) return owned;
    const assignment = await announcements.find(idInLbs);
    if (!assignment || assignment.stream !== dataStreamName) {
      throw new ClaimFailedError(dataStreamName, 'gone');
    }
    const taken = await streamOwner.own(assignment, false);
    if (taken instanceof OwnedStream) return taken;
    throw new ClaimFailedError(dataStreamName, taken);
  }
}
