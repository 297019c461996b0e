import { Injectable } from '@nestjs/common';
import { StreamsAdmin, StreamsTransport } from 'nestjs-redis-streams';

@Injectable()
export class StreamState {
  constructor(
    private readonly admin: StreamsAdmin,
    private readonly transport: StreamsTransport,
  ) {}

  /** What is known of a stream, and of one of its groups. */
  async of(stream: string, group: string) {
    const { groups, deadLetters, delayedMessages, retention } = this.admin;
    const { consumers } = await groups.liveConsumers(stream, group);
    return {
      group: await groups.getGroupInfo(stream, group),
      consumers: consumers.map(({ consumer, state, alive, events }) => {
        return { consumer, state, alive, events };
      }),
      oldestPending: await groups.getPending(stream, group, { count: 10 }),
      oldestDeadLetters: await deadLetters.list(stream, { limit: 10 }),
      soonestDelayed: await delayedMessages.list(stream, { limit: 10 }),
      kept: await retention.report(stream),
      overruns: this.transport.overruns,
    };
  }
}
