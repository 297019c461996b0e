// What a driver implements.
export type { ClaimOutcome, Completions } from './ports/completions.js';
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from './ports/dead-letters.js';
export type { HeldEntries, HeldEntry, HeldFilter, HeldPage } from './ports/held-entries.js';
export { HELD_CONSUMER } from './ports/held-entries.js';
export type { HeldMessage } from './admin/dead-letters/held-messages.js';
export type { DeadLetterRecord } from './core/dead-letter-record.js';
export type {
  DeadLetterAction,
  DeadLetterStrategy,
  ForwardTo,
} from './core/dead-letter-strategy.js';
export type { DecidedAction } from './core/settlement.js';
export {
  delayedId,
  delayedName,
  type DelayedEntry,
  type DelayedPage,
  type DelayedRecord,
  type DelayHints,
  type DelayStore,
  type Promoted,
} from './ports/delays.js';
export type { Driver, DriverContext, DriverFactory } from './ports/driver.js';
export type {
  ConsumerReport,
  FurthestBehind,
  GroupAdmin,
  GroupReport,
  PendingEntries,
  PendingEntry,
  PendingQuery,
  StreamReport,
} from './ports/group-admin.js';
export type { IdFormat } from './ports/id-format.js';
export type { Inbox, InboxOutcome } from './ports/inbox.js';
export type { LeaseName, LeaseStore, OwnedLease } from './ports/lease-store.js';
export type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  GroupMembers,
  HandOverOutcome,
  LiveConsumer,
  LiveConsumers,
  Membership,
  Receiver,
  SharedOptions,
} from './ports/live-consumers.js';
export type { Replies, ReplyBox, ReplyBoxOptions } from './ports/replies.js';
export type {
  Retention,
  RetentionPolicy,
  StreamFootprint,
  TrimOrder,
  Trimmed,
} from './ports/retention.js';
export type { RetentionRule } from './options/retention-options.js';
export type { MessageSource, Settling } from './ports/source.js';
export type { SourceCapabilities } from './ports/source-capabilities.js';
export type { SqlTransaction, Transactions } from './ports/sql-transaction.js';
export type { Rebalancing } from './ports/rebalancing.js';
export type { SubscribeOptions, Subscription } from './ports/subscription.js';
export type { ReadRefusal, ReadTrouble } from './core/read-trouble.js';
export type { StateStore } from './ports/state-store.js';
export type { BalancerMember, BalancerMembers, HandedInput } from './ports/balancer-members.js';
export type {
  CompleteOutcome,
  HandOverTarget,
  LetGoOutcome,
  StreamHandOverOutcome,
  StreamLocks,
  TakeOutcome,
} from './ports/stream-locks.js';
export type { JoinOptions, OwnershipParts, StreamOwnership } from './ports/stream-ownership.js';
export type { OwnedSubscribeOptions, OwnedSubscription } from './ports/owned-subscription.js';
export type { PendingInput, StreamInput, StreamInputs } from './ports/stream-inputs.js';
export type { Arrival, StoredWorkflow, WorkflowStore } from './ports/workflow-store.js';

// The vocabulary of ports, middleware and codecs.
export { systemClock, type Clock, type TimerHandle } from './core/clock.js';
export { fieldOf, type Codec, type DecodedFields } from './core/codecs/codec.js';
export type { BusinessCodecOptions } from './core/codecs/business.codec.js';
export type { Claim, Completion, CompletionKey } from './core/completion.js';
export type { ConsumerProcess } from './ports/consumer-process.js';
export type { BoundHandler, Delivery, Handler } from './core/delivery.js';
export type { SettledStep } from './core/workflow.js';
export type { FinishedStep } from './ports/workflow-store.js';
export type { ErrorRecord } from './core/errors/error-record.js';
export { type StreamsEventName, type StreamsEvents, type StreamsListeners } from './core/events.js';
export type { AdminAction, AdministeredEvent } from './core/admin-events.js';
export type { BackgroundTask } from './core/background-task.js';
export type { PublishedEvent } from './core/message-events.js';
export type { MessagesLost } from './core/messages-lost.js';
export type { UnhandledWaits } from './core/unhandled-waits.js';
export { type SettledEvent, type SettledOutcome, type UnendedRun } from './core/run-events.js';
export { EventBus } from './core/event-bus.js';
export type { Guard } from './core/guard.js';
export type {
  Instrumentation,
  InstrumentationFactory,
  MessageToSend,
  Sending,
  SendingKind,
} from './core/instrumentation.js';
export type {
  BackoffOptions,
  BatchOptions,
  DedupeOptions,
  HandlerOptions,
} from './options/handler-options.js';
export type { Middleware } from './core/middleware.js';
export type { HeldStream, StreamPlace } from './core/held-stream.js';
export type { GroupLag, LagSeverity, PartitionLag, StreamLagExceeded } from './core/lag.js';
export type { CommitsOptions } from './options/commits-options.js';
export type { OrderBy, PayloadPath } from './options/order-by.js';
export type { LagOptions, LagThreshold } from './options/lag-options.js';
export type { BeginOutcome, ExtendOutcome, Lease } from './core/lease.js';
export type {
  Fields,
  Idempotency,
  IdempotencyWindow,
  Message,
  Metadata,
  OutgoingEntry,
  OutgoingMessage,
  When,
} from './core/message.js';
export type { OverrunReason, OverrunStatus } from './core/overrun.js';
export type { LastReply, OutgoingReply } from './core/reply.js';
export type { Route } from './core/routing.js';
export {
  ack,
  deadLetter,
  leave,
  release,
  retry,
  type Ack,
  type DeadLetterIt,
  type DeadLetterReason,
  type HandedOver,
  type Leave,
  type Lost,
  type Release,
  type Retry,
  type Settlement,
  type SettleOutcome,
  type Unhandled,
} from './core/settlement.js';
export { bytesOfText, textOfBytes } from './core/codecs/text-bytes.js';
export type { BackpressureOptions, MaxLag } from './options/backpressure-options.js';
export type { DueTime } from './options/due-time.js';
export type { StepTarget } from './options/step-target.js';

// Types that applications seldom name: what calls answer, and options that are written as literals.
export type { DeadLetterView } from './admin/dead-letters/dead-letters.js';
export type { ConsumerStateRecord, WhichConsumerState } from './committing/consumer-states.js';
export type { DelayedMessage } from './admin/delays/delayed-messages.js';
export type { GroupInfo } from './admin/groups/group-info.js';
export type { RetentionPin, RetentionReport } from './admin/retention/stream-retention.js';
export type { LagReader } from './admin/streams-admin.js';
export type { EventTypeOf } from './core/event-map.js';
export type { StreamPayload } from './load-balancing/notifications.js';
export type { StreamRecord } from './nest/client/stream-record.js';
export type { TransactionPublisher } from './nest/client/stream-publisher.js';
export type { StreamHandlerSources } from './nest/handling/handler-sources.js';
export type { StreamBatchItem } from './nest/handling/stream-batch.context.js';
export type { StreamLagFilter } from './nest/lag/on-stream-lag.decorator.js';
export type { LoadBalancedHandlerOptions } from './nest/load-balancing/load-balanced-handler.decorator.js';
export type { LoadBalancerModuleAsyncOptions } from './nest/load-balancing/load-balancer.module.js';
export type { StreamNotifications } from './nest/load-balancing/load-balancer.js';
export type { OnStreamOptions } from './nest/load-balancing/on-stream.decorators.js';
export type { StreamsModuleAsyncOptions } from './nest/module/streams-core.module.js';
export type {
  ClaimStaleOptions,
  CreateGroupOptions,
  Page,
  PageOptions,
  PendingFilter,
  PendingPageOptions,
  RemoveConsumerOptions,
} from './options/admin-options.js';
export type { LoadBalancerOptions } from './options/load-balancer-options.js';
export type { NamedDriver, NamedDriverFactory } from './options/slots-options.js';
export type { FanOutOptions, NextOptions, StartOptions } from './options/workflow-options.js';
export type { EventCallback } from './runtime/stream-consumers/event-callback.js';
export type { PendingMessage } from './runtime/stream-consumers/pending-messages.js';
export type { PlainInstruction } from './workflows/instructions.js';
export type { BranchFailure } from './workflows/workflow-payloads.js';
export type { WorkflowContext } from './workflows/workflow-place.js';
export type { WorkflowStatus, WorkflowStep } from './workflows/workflows.js';

// Errors that drivers throw and events carry, and those of a wrong start.
export { StreamUnsettledError } from './core/errors/balancing.errors.js';
export { ConnectionError } from './core/errors/connection.errors.js';
export { DeadLetterTooLargeError } from './core/errors/dead-letter.errors.js';
export { GroupNotFoundError, StreamNotFoundError } from './core/errors/group.errors.js';
export { InvalidMessageError, NotReplicatedError } from './core/errors/publishing.errors.js';
export {
  EntryTooLargeError,
  PermissionDeniedError,
  ReplyBrokenError,
  ServerOutOfMemoryError,
  ServerReplyError,
  WrongKeyTypeError,
  type Refused,
} from './core/errors/server.errors.js';
export {
  ClosedError,
  InvalidOptionsError,
  MissingPackageError,
  UnsupportedFeatureError,
} from './core/errors/start-up.errors.js';
export {
  MissingSlotError,
  UnknownDriverError,
  WrongDriverForSlotError,
} from './core/errors/slot.errors.js';
export {
  ConsumerStateInUseError,
  ConsumerStateUnreadableError,
  StateStoreFullError,
  StateValueTooLargeError,
} from './core/errors/state-store.errors.js';
export { StreamsError } from './core/errors/streams.error.js';
export { ConsumerCrashedError } from './core/errors/subscription.errors.js';
