import type { EventBus } from '../../../core/event-bus.js';
import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { Commands } from '../connection/commands.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import type { ReadBudget } from '../held-entries/read-budget.js';
import type { HandedHints } from '../live-consumers/handed-hints.js';
import type { SlotPlace } from '../topology/slot-place.js';

/** What the driver gives to a subscription, beside what its consumer asks for. */
export interface RedisSubscriptionOptions extends SubscribeOptions {
  readonly connector: Connector;
  /** On a cluster: the node of the slot that is read. */
  readonly place?: SlotPlace;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly handed: HandedHints;
  /** Shared with the other subscriptions of this process. */
  readonly budget: ReadBudget;
  /** Called once the subscription is closed. */
  readonly onClosed?: () => void;
}
