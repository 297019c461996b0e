/** What Nest imports only if an application uses it. */
export const optionalPackages = [
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  '@nats-io/transport-node',
  '@nestjs/websockets',
  'amqp-connection-manager',
  'amqplib',
  'class-transformer',
  'class-validator',
  'file-type',
  'kafkajs',
  'mqtt',
];
