import type { GroupMembers, LiveConsumer } from '../../ports/live-consumers.js';
import { eventMatcher } from '../../core/routing.js';

interface Member {
  readonly consumer: LiveConsumer;
  readonly handles: (eventType: string) => boolean;
}

/** What one reading of the registry says about one stream of a group. */
export class GroupReading {
  /** The consumer that reads, as the registry knows it. */
  readonly own: LiveConsumer | undefined;
  /** Consumers of older versions, which announce nothing, are alive. */
  readonly hasUnannounced: boolean;
  private readonly others: readonly Member[];
  private readonly known = new Map<string, readonly LiveConsumer[]>();
  private turn = 0;

  constructor({ consumers, unannounced }: GroupMembers, instance: string) {
    this.own = consumers.find((one) => one.instance === instance);
    this.hasUnannounced = unannounced.length > 0;
    this.others = consumers.filter((one) => one !== this.own).map(memberOf);
  }

  /**
   * A consumer that can be given such events now. Where there are several, another one each time.
   */
  receiverOf(eventType: string): LiveConsumer | undefined {
    const receivers = this.handling(eventType).filter((one) => one.alive && one.state === 'live');
    return receivers[this.turn++ % receivers.length];
  }

  /** A live consumer handles such events, and reads nothing at present. */
  hasResting(eventType: string): boolean {
    return this.handling(eventType).some(({ alive }) => alive);
  }

  /**
   * How long ago the last consumer that handled such events has gone. Undefined where there was
   * none.
   */
  goneFor(eventType: string): number | undefined {
    const gone = this.handling(eventType).flatMap(({ goneFor }) => goneFor ?? []);
    return gone.length > 0 ? Math.min(...gone) : undefined;
  }

  private handling(eventType: string): readonly LiveConsumer[] {
    let handling = this.known.get(eventType);
    if (!handling) {
      handling = this.others.filter((one) => one.handles(eventType)).map((one) => one.consumer);
      this.known.set(eventType, handling);
    }
    return handling;
  }
}

function memberOf(consumer: LiveConsumer): Member {
  const matchers = consumer.events.map(eventMatcher);
  return { consumer, handles: (eventType) => matchers.some((matches) => matches(eventType)) };
}
