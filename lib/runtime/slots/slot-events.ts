import { EventBus } from '../../core/event-bus.js';
import type { StreamsEventName, StreamsEvents } from '../../core/events.js';

/** Events about a connection. */
const ABOUT_CONNECTIONS: ReadonlySet<StreamsEventName> = new Set([
  'connected',
  'disconnected',
  'connection-retired',
  'unreachable',
]);

/**
 * The events of one driver, among those of a runtime. Where different drivers fill the slots, events
 * about connections name the slots of their driver.
 */
export class SlotEvents extends EventBus {
  override readonly listened: ReadonlySet<StreamsEventName>;

  /** @param slots returns the slots of the driver. Undefined: it is the only driver */
  constructor(
    private readonly all: EventBus,
    private readonly slots: () => readonly string[] | undefined,
  ) {
    super();
    this.listened = all.listened;
  }

  override on<N extends StreamsEventName>(
    name: N,
    listener: (event: StreamsEvents[N]) => void,
  ): () => void {
    return this.all.on(name, listener);
  }

  override emit<N extends StreamsEventName>(name: N, event: StreamsEvents[N]): void {
    const slots = ABOUT_CONNECTIONS.has(name) ? this.slots() : undefined;
    this.all.emit(name, slots ? { ...event, slots } : event);
  }
}
