import type { Clock } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';
import type { OverrunStatus } from '../../core/overrun.js';
import type { ReaderStatus } from '../../core/reader-status.js';
import type { GroupAdmin } from '../../ports/group-admin.js';

/** The parts of a transport that health looks at. */
export interface Watched {
  /** Name of the transport. */
  readonly name: string;
  readonly events: EventBus;
  readonly clock: Clock;
  /** `opened`: it has not begun to read. `stopping`: it is being closed, or is closed. */
  readonly phase: () => 'opened' | 'reading' | 'stopping';
  readonly readers: { list(): readonly ReaderStatus[] };
  readonly overruns: { list(): readonly OverrunStatus[] };
  /** The streams that are read, by their groups. Those of a load balancer are not among them. */
  readonly groupsRead: () => readonly {
    readonly group: string;
    readonly streams: Iterable<string>;
  }[];
  /** Undefined: the driver cannot tell whether a group exists. */
  readonly groups: Pick<GroupAdmin, 'describe'> | undefined;
  /** False: no consumer of this driver knows of others, and no fallback is in use for that. */
  readonly knowsConsumers: boolean;
}
