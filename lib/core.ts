// The module, the transport and the clients.
export { StreamPublisher, type BatchItem } from './nest/client/stream-publisher.js';
export { StreamRecord, StreamRecordBuilder } from './nest/client/stream-record.js';
export { StreamsClient, type StreamsClientOptions } from './nest/client/streams.client.js';
export {
  InjectConsumerGroupManager,
  InjectStreamsClient,
  InjectStreamsPublisher,
} from './nest/module/inject-streams.decorators.js';
export type { StreamsOptionsFactory } from './nest/module/streams-core.module.js';
export {
  StreamsModule,
  type StreamsModuleAsyncOptions,
  type StreamsModuleOptions,
} from './nest/module/streams.module.js';
export { getSourceToken, getStreamsToken } from './nest/tokens.js';
export type { StreamsStatus } from './nest/transport/connection-status.js';
export {
  StreamsTransport,
  type StreamsTransportOptions,
} from './nest/transport/streams.transport.js';
export type { PublishOptions } from './options/publish-options.js';
export type { StreamsOptions } from './options/streams-options.js';
export type { NamedDriver, NamedDriverFactory, Slots } from './options/slots-options.js';
export {
  MissingSlotError,
  UnknownDriverError,
  WrongDriverForSlotError,
} from './core/errors/slot.errors.js';

// Handlers.
export { BatchResult } from './nest/handling/batch-result.js';
export { StreamBatchContext, StreamBatchItem } from './nest/handling/stream-batch.context.js';
export { StreamContext } from './nest/handling/stream.context.js';
export { StreamHandler } from './nest/handling/stream-handler.decorator.js';
export type {
  StreamHandlerOptions,
  StreamHandlerSources,
} from './nest/handling/handler-sources.js';
export type { EventTypeOf, MessageOf } from './core/event-map.js';
export type { Message, Metadata } from './core/message.js';

// Consumers without a controller.
export type { EventCallback, EventDelivery } from './runtime/stream-consumers/event-callback.js';
export type { PendingMessage } from './runtime/stream-consumers/pending-messages.js';
export { StreamConsumer } from './runtime/stream-consumers/stream-consumer.js';
export { StreamConsumers } from './runtime/stream-consumers/stream-consumers.js';
export type { StreamConsumerOptions } from './options/stream-consumer-options.js';

// Workflows.
export {
  fanOut,
  next,
  WorkflowInstruction,
  type FanOut,
  type PlainInstruction,
} from './workflows/instructions.js';
export type {
  BranchFailure,
  JoinedResults,
  WorkflowFailure,
} from './workflows/workflow-payloads.js';
export {
  Workflows,
  type WorkflowState,
  type WorkflowStatus,
  type WorkflowStep,
} from './workflows/workflows.js';
export { type StartOptions } from './options/workflow-options.js';
export type { WorkflowContext } from './workflows/workflow-place.js';
export type { FanOutOptions, NextOptions } from './options/workflow-options.js';

// Streams shared out between consumers.
export { LoadBalancedContext } from './nest/handling/load-balanced.context.js';
export {
  LoadBalancedHandler,
  type LoadBalancedHandlerOptions,
} from './nest/load-balancing/load-balanced-handler.decorator.js';
export { LoadBalancer, StreamNotifications } from './nest/load-balancing/load-balancer.js';
export {
  getLoadBalancerToken,
  InjectLoadBalancer,
  LoadBalancerModule,
  type LoadBalancerModuleAsyncOptions,
  type LoadBalancerModuleOptions,
} from './nest/load-balancing/load-balancer.module.js';
export {
  OnStreamAdded,
  OnStreamDisowned,
  OnStreamExpired,
  OnStreamTerminated,
  type OnStreamOptions,
} from './nest/load-balancing/on-stream.decorators.js';
export type {
  StreamAdded,
  StreamDisowned,
  StreamExpired,
  StreamNotification,
  StreamPayload,
  StreamTerminated,
} from './load-balancing/notifications.js';
export type { OwnedStream } from './load-balancing/owned-stream.js';
export type { LoadBalancerOptions } from './options/load-balancer-options.js';

// Administration, lag and events.
export type { Page, PageOptions } from './options/admin-options.js';
export { ConsumerGroupManager } from './admin/groups/consumer-groups.js';
export {
  type ClaimStaleOptions,
  type CreateGroupOptions,
  type RemoveConsumerOptions,
} from './options/admin-options.js';
export { DeadLetters, type DeadLetterView } from './admin/dead-letters/dead-letters.js';
export { DelayedMessages, type DelayedMessage } from './admin/delays/delayed-messages.js';
export type { GroupInfo } from './admin/groups/group-info.js';
export type { PendingFilter, PendingPageOptions } from './options/admin-options.js';
export {
  StreamRetention,
  type RetentionPin,
  type RetentionReport,
} from './admin/retention/stream-retention.js';
export { StreamsAdmin, type LagReader } from './admin/streams-admin.js';
export { LagMonitor } from './nest/lag/lag-monitor.js';
export { OnStreamLag, type StreamLagFilter } from './nest/lag/on-stream-lag.decorator.js';
export type { StreamsEvents } from './core/events.js';
export type { SettledEvent } from './core/run-events.js';
export type { GroupLag, StreamLagExceeded } from './core/lag.js';

// Middleware and codecs; what their authors need beside this is in `nestjs-redis-streams/driver`.
export { backstageCodec } from './core/codecs/backstage.codec.js';
export { businessCodec } from './core/codecs/business.codec.js';
export { jsonCodec } from './core/codecs/json.codec.js';
export { rawCodec } from './core/codecs/raw.codec.js';
export type { Delivery } from './core/delivery.js';
export type { Middleware } from './core/middleware.js';
export { ack, deadLetter, retry, type Settlement } from './core/settlement.js';

// Errors that applications throw, or catch by their class; `code` tells the others apart.
export { ClaimFailedError, StreamNotOwnedError } from './core/errors/balancing.errors.js';
export { ConnectionError } from './core/errors/connection.errors.js';
export {
  ConsumerHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from './core/errors/group.errors.js';
export {
  HandlerTimeoutError,
  OwnershipLostError,
  RetryLaterError,
  ShutdownError,
  UnrecoverableError,
} from './core/errors/handling.errors.js';
export {
  BackpressureError,
  InvalidMessageError,
  NotReplicatedError,
  PayloadTooLargeError,
  PublishBatchError,
} from './core/errors/publishing.errors.js';
export { AnswerLostError, RemoteError, RequestTimeoutError } from './core/errors/request.errors.js';
export {
  ClosedError,
  InvalidOptionsError,
  UnsupportedFeatureError,
} from './core/errors/start-up.errors.js';
export { StreamsError } from './core/errors/streams.error.js';
export { ConsumerCrashedError } from './core/errors/subscription.errors.js';
