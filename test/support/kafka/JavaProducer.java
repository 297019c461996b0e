import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends messages as programs in Java do: to each of the topics, compressed with what the end of its name
 * says. Arguments: brokers, number of messages, topics.
 */
public class JavaProducer {
  public static void main(String[] args) {
    int count = Integer.parseInt(args[1]);
    String words = "some words again and again ".repeat(40);
    for (int at = 2; at < args.length; at++) {
      String topic = args[at];
      Properties properties = new Properties();
      properties.put("bootstrap.servers", args[0]);
      properties.put("compression.type", topic.substring(topic.lastIndexOf('-') + 1));
      properties.put("linger.ms", 50);
      StringSerializer text = new StringSerializer();
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, text, text)) {
        for (int number = 0; number < count; number++) {
          String json = "{\"number\":" + number + ",\"words\":\"" + words + "\"}";
          ProducerRecord<String, String> record =
              new ProducerRecord<>(topic, "key-" + number, json);
          record.headers().add("__TypeId__", "com.example.Order".getBytes(StandardCharsets.UTF_8));
          producer.send(record);
        }
      }
    }
  }
}
