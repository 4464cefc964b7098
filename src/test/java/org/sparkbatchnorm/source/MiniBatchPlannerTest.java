package org.sparkbatchnorm.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.ChannelView;

class MiniBatchPlannerTest {
  private static final long SEED = 5;
  private static final MiniBatchRule KEYS = new MiniBatchRule(MiniBatching.KEY, 0);
  private static final MiniBatchRule ORDERED_KEYS = new MiniBatchRule(MiniBatching.KEY, 2);
  private static final MiniBatchRule ORDERED_TENSORS = new MiniBatchRule(MiniBatching.TENSOR, 2);
  private static final String NAMING =
      "name tensors LAYER/NUMBER, let group batch of input.layer-pattern match, or fill a table's"
          + " column batch (input.columns.batch)";

  /** A tensor that is called what it is, in a file of the same name. */
  private record Origin(String display) implements MiniBatchPlanner.Origin {
    @Override
    public MalformedFileException bad(String code, String reason) {
      return new MalformedFileException("f", 7, code, reason);
    }
  }

  /** Tensors [rows, 3] by key; an empty text stands for none. */
  private static MiniBatchPlan plan(MiniBatchRule rule, Map<String, Integer> rowsByKey)
      throws MalformedFileException {
    MiniBatchPlanner planner = new MiniBatchPlanner(rule);
    for (Map.Entry<String, Integer> tensor : rowsByKey.entrySet()) {
      add(planner, tensor.getKey(), tensor.getValue(), 1);
    }
    return planner.plan();
  }

  private static void add(MiniBatchPlanner planner, String key, int rows, int count)
      throws MalformedFileException {
    ChannelView view = new ChannelView(rows, 3, 1);
    Origin origin = new Origin("tensor of key " + key);
    planner.add("bn", keyOf(key), view, rows, count, origin);
  }

  private static Optional<String> keyOf(String key) {
    return Optional.of(key).filter(text -> !text.isEmpty());
  }

  private static MiniBatch found(MiniBatchPlan plan, String key, int rows) {
    return plan.of("bn", keyOf(key), 40, new ChannelView(rows, 3, 1), rows).at(0, "the tensor");
  }

  /** Each key is followed by those after it in the list, whatever order they came in. */
  @ParameterizedTest
  @CsvSource({
    "'2,10,11,100'",
    "'000002,000010,000100'",
    "'-3,-1.5,-1.25,0,0.5,+7'",
    "'10,2,a'",
    "'1e3,2,x'",
    "'b,z,\u00e9,\uffee,\ud83d\ude00'"
  })
  void numbersAreInNumericalOrderAndTextsInThatOfTheirBytes(String keys)
      throws MalformedFileException {
    List<String> order = List.of(keys.split(","));
    List<String> shuffled = new ArrayList<>(order);
    Random random = new Random(SEED);
    for (int trial = 0; trial < 5; trial++) {
      Collections.shuffle(shuffled, random);
      Map<String, Integer> rows = new LinkedHashMap<>();
      shuffled.forEach(key -> rows.put(key, 2));
      for (MiniBatchRule rule : List.of(ORDERED_KEYS, ORDERED_TENSORS)) {
        MiniBatchPlan plan = plan(rule, rows);
        for (int b = 0; b < order.size(); b++) {
          assertThat(found(plan, order.get(b), 2).followers())
              .as("%s, seed %d", order.get(b), SEED)
              .isEqualTo(order.size() - 1 - b);
        }
      }
    }
  }

  @Test
  void equalKeysMakeOneMiniBatch() throws MalformedFileException {
    MiniBatchPlanner planner = new MiniBatchPlanner(KEYS);
    add(planner, "a", 2, 1);
    add(planner, "b", 4, 3);
    add(planner, "a", 5, 2);
    add(planner, "none", 0, 1);
    MiniBatchPlan plan = planner.plan();
    assertThat(plan.shared("bn")).isEqualTo(2);
    assertThat(plan.shared("other")).isZero();
    MiniBatch a = found(plan, "a", 2);
    assertThat(a).isEqualTo(new MiniBatch(new MiniBatch.Id(0, 0), "of key a", 36, 12, 1, 6));
    assertThat(found(plan, "a", 5).id()).isEqualTo(a.id());
    assertThat(found(plan, "a", 5).endElement()).isEqualTo(15);
    assertThat(found(plan, "b", 4))
        .isEqualTo(new MiniBatch(new MiniBatch.Id(1, 0), "of key b", 36, 12, 0, 12));
    assertThat(plan.of("bn", Optional.of("a"), 9, new ChannelView(2, 3, 1), 2).count()).isZero();
  }

  /** One without an unbiased variance has no place, whatever its key. */
  @Test
  void whatIsTooSmallHasNoPlaceInTheOrder() throws MalformedFileException {
    for (MiniBatchRule rule : List.of(ORDERED_KEYS, ORDERED_TENSORS)) {
      MiniBatchPlan plan = plan(rule, Map.of("0", 2, "1", 1, "2", 0, "3", 3));
      assertThat(found(plan, "0", 2).followers()).isEqualTo(1);
      assertThat(found(plan, "3", 3).followers()).isZero();
    }
    MiniBatchRule biased = new MiniBatchRule(MiniBatching.TENSOR, 1);
    assertThat(found(plan(biased, Map.of("0", 2, "1", 1, "2", 0, "3", 3)), "0", 2).followers())
        .isEqualTo(2);
    // Two of one value each make one of two.
    MiniBatchPlanner planner = new MiniBatchPlanner(ORDERED_KEYS);
    add(planner, "0", 2, 1);
    add(planner, "1", 1, 2);
    assertThat(found(planner.plan(), "0", 2).followers()).isEqualTo(1);
  }

  @Test
  void oneTensorNeedsNoKey() throws MalformedFileException {
    assertThat(found(plan(ORDERED_TENSORS, Map.of("", 5)), "", 5).followers()).isZero();
    MiniBatchRule rows = new MiniBatchRule(MiniBatching.ofRows(2), 2);
    MiniBatches five =
        plan(rows, Map.of("", 5)).of("bn", Optional.empty(), 0, new ChannelView(5, 3, 1), 5);
    assertThat(five.at(0, "t").followers()).isEqualTo(1);
    // Beside those that have no place in the order.
    Map<String, Integer> others = new LinkedHashMap<>(Map.of("", 5, "7", 0));
    assertThat(found(plan(ORDERED_TENSORS, others), "", 5).followers()).isZero();
  }

  @Test
  void withoutAKeyThereIsNoOrder() {
    String needed =
        "f at byte 7: MINI_BATCH_ORDER: a moving average needs an order of the"
            + " mini-batches, but tensor of key  has no key; "
            + NAMING
            + "; --momentum none needs no order";
    assertThatThrownBy(() -> plan(ORDERED_TENSORS, Map.of("", 5, "1", 2)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(needed);
    MiniBatchPlanner two = new MiniBatchPlanner(ORDERED_TENSORS);
    assertThatThrownBy(() -> add(two, "", 5, 2))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(needed);
    assertThatThrownBy(() -> plan(KEYS, Map.of("", 0)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "f at byte 7: MINI_BATCH_KEY: tensor of key  has no key that says which mini-batch it"
                + " is part of; "
                + NAMING);
  }

  @Test
  void equalKeysGiveNoOrder() throws MalformedFileException {
    String advice =
        "; give each a key of its own, or let --mini-batch key make one mini-batch of them";
    MiniBatchPlanner planner = new MiniBatchPlanner(ORDERED_TENSORS);
    add(planner, "3", 5, 1);
    assertThatThrownBy(() -> add(planner, "3", 4, 1))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "f at byte 7: MINI_BATCH_ORDER: a moving average needs an order of the mini-batches,"
                + " but tensor of key 3 has the same key as tensor of key 3: 3"
                + advice);
    assertThatThrownBy(() -> add(planner, "4", 4, 2))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "f at byte 7: MINI_BATCH_ORDER: a moving average needs an order of the mini-batches,"
                + " but tensor of key 4 has the same key as another: 4"
                + advice);
    for (MiniBatchRule rule : List.of(ORDERED_TENSORS, ORDERED_KEYS)) {
      assertThatThrownBy(() -> plan(rule, Map.of("1", 2, "01", 2, "2", 2)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessage(
              "f at byte 7: MINI_BATCH_ORDER: a moving average needs an order of the mini-batches,"
                  + " but the key of tensor of key 1 is the same number as that of tensor of key"
                  + " 01");
    }
    assertThat(plan(KEYS, Map.of("1", 2, "01", 2)).shared("bn")).isEqualTo(2);
    assertThat(plan(ORDERED_TENSORS, Map.of("1", 2, "01", 2, "x", 2))).isNotNull();
  }

  @Test
  void aMiniBatchMayBeTooLarge() throws MalformedFileException {
    MiniBatchPlanner planner = new MiniBatchPlanner(KEYS);
    ChannelView half = new ChannelView(1L << 62, 1, 1);
    planner.add("bn", Optional.of("k"), half, 1L << 62, 1, new Origin("a"));
    assertThatThrownBy(
            () -> planner.add("bn", Optional.of("k"), half, 1L << 62, 1, new Origin("b")))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "f at byte 7: SIZE_OVERFLOW: with b, its mini-batch has more than 2^63 - 1 elements");
  }

  @Test
  void whatWasNotPlannedIsFound() throws MalformedFileException {
    MiniBatchPlan plan = plan(ORDERED_KEYS, Map.of("1", 2));
    assertThatThrownBy(() -> found(plan, "2", 2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("layer bn: a tensor of key 2 was not there when mini-batches were planned");
    assertThatThrownBy(() -> found(plan(ORDERED_TENSORS, Map.of()), "", 2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "layer bn: a tensor of key (none) was not there when mini-batches were planned");
  }

  /** Seven rows of 4 elements, 2 in each channel, by threes: 3, 3 and 1. */
  @Test
  void rowsMakeMiniBatches() throws MalformedFileException {
    MiniBatchRule rule = new MiniBatchRule(MiniBatching.ofRows(3), 2);
    MiniBatchPlanner planner = new MiniBatchPlanner(rule);
    ChannelView view = new ChannelView(7, 2, 2);
    planner.add("bn", Optional.of("1"), view, 7, 1, new Origin("a"));
    planner.add("bn", Optional.of("2"), view, 7, 1, new Origin("b"));
    MiniBatches first = planner.plan().of("bn", Optional.of("1"), 8, view, 7);
    assertThat(first.count()).isEqualTo(3);
    assertThat(first.stride()).isEqualTo(12);
    assertThat(first.at(0, "t"))
        .isEqualTo(new MiniBatch(new MiniBatch.Id(8, 0), "rows 0 to 2 of t", 12, 3, 5, 12));
    assertThat(first.at(11, "t")).isEqualTo(first.at(0, "t"));
    assertThat(first.at(12, "t"))
        .isEqualTo(new MiniBatch(new MiniBatch.Id(8, 1), "rows 3 to 5 of t", 12, 3, 4, 24));
    assertThat(first.at(27, "t"))
        .isEqualTo(new MiniBatch(new MiniBatch.Id(8, 2), "rows 6 to 6 of t", 4, 1, 3, 28));
    MiniBatches second = planner.plan().of("bn", Optional.of("2"), 9, view, 7);
    assertThat(second.at(27, "t").followers()).isZero();
  }

  /** Without positions, the last one has a single value, and no place in the order of those. */
  @Test
  void aRestOfOneValueHasNoPlace() throws MalformedFileException {
    ChannelView view = new ChannelView(7, 2, 1);
    for (int least = 1; least <= 2; least++) {
      MiniBatchRule rule = new MiniBatchRule(MiniBatching.ofRows(3), least);
      MiniBatchPlanner planner = new MiniBatchPlanner(rule);
      planner.add("bn", Optional.empty(), view, 7, 1, new Origin("a"));
      MiniBatches rows = planner.plan().of("bn", Optional.empty(), 0, view, 7);
      assertThat(rows.at(0, "t").followers()).isEqualTo(least == 1 ? 2 : 1);
      assertThat(rows.at(6, "t").followers()).isEqualTo(least == 1 ? 1 : 0);
    }
    // Single rows: none has a place, so that no key is needed either.
    MiniBatchRule single = new MiniBatchRule(MiniBatching.ofRows(1), 2);
    MiniBatchPlanner planner = new MiniBatchPlanner(single);
    planner.add("bn", Optional.empty(), view, 7, 5, new Origin("a"));
    assertThat(planner.plan().of("bn", Optional.empty(), 0, view, 7).count()).isEqualTo(7);
  }

  @Test
  void moreRowsThanThereAreAreOneMiniBatch() {
    MiniBatchPlan plan =
        MiniBatchPlan.withoutKeys(new MiniBatchRule(MiniBatching.ofRows(Long.MAX_VALUE), 0));
    MiniBatches rows = plan.of("bn", Optional.empty(), 0, new ChannelView(7, 2, 3), 7);
    assertThat(rows.count()).isEqualTo(1);
    assertThat(rows.at(41, "t").elements()).isEqualTo(42);
    assertThat(plan.of("bn", Optional.empty(), 0, new ChannelView(0, 2, 3), 0).count()).isZero();
    assertThat(plan.of("bn", Optional.empty(), 0, new ChannelView(7, 2, 0), 7).count()).isZero();
  }

  @Test
  void batchingsAreOfOneKind() {
    assertThatThrownBy(() -> new MiniBatching(MiniBatching.Kind.KEY, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("2 rows with mini-batches by KEY");
  }
}
