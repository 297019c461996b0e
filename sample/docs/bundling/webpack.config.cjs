module.exports = (options) => ({
  ...options,
  externals: [
    ...[/^@grpc\//, /^@nats-io\//, /^@nestjs\/websockets/, /^amqp/],
    ...['class-transformer', 'class-validator', 'file-type'],
    ...['kafkajs', 'mqtt'],
  ],
});
