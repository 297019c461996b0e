import type { EventBus } from './event-bus.js';
import { GuardedInstrumentation } from './guarded-instrumentation.js';
import type { Instrumentation, InstrumentationFactory } from './instrumentation.js';
import { refuse } from './option-schema/refuse.js';

/** The instrumentation of a runtime. */
export class Instruments {
  /** Undefined: there is none, and nothing is paid for it. */
  current: Instrumentation | undefined;

  constructor(
    private readonly technology: string,
    private readonly events: Pick<EventBus, 'emit'>,
    given?: InstrumentationFactory,
  ) {
    if (given) this.use(given);
  }

  /**
   * Sets the instrumentation. Call it before the transport listens: consumers that read already go
   * on without it.
   * @throws InvalidOptionsError where there is one already, or where a method of it is missing
   */
  use(create: InstrumentationFactory): void {
    if (this.current) refuse([SECOND]);
    const made = create({ technology: this.technology });
    refuse(missingIn(made));
    this.current = new GuardedInstrumentation(made, this.events);
  }
}

const SECOND =
  'instrumentation must be given once: by the option instrumentation, or by StreamsTracingModule for this module';

const METHODS = ['sending', 'run', 'following', 'settled'] as const;

/** One problem for each method that is missing. An application without TypeScript may forget one. */
function missingIn(made: Partial<Instrumentation> | undefined): string[] {
  return METHODS.filter((name) => typeof made?.[name] !== 'function').map(
    (name) => `instrumentation must make an object with the method ${name}`,
  );
}
