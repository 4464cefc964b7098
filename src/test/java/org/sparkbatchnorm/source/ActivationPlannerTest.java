package org.sparkbatchnorm.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.source.Shards.shard;
import static org.sparkbatchnorm.source.Shards.tensor;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;
import org.sparkbatchnorm.source.Split.Piece;
import org.sparkbatchnorm.statistics.Serialized;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;

class ActivationPlannerTest {
  private static final long SEED = 77;

  private static final List<DType> DTYPES = List.of(DType.values());

  private static ActivationPlan plan(long splitBytes, Shard... shards)
      throws MalformedFileException {
    return ActivationPlanner.select(
            Shards.LAYER_SLASH_NUMBER, MiniBatchRule.TENSORS, List.of(shards))
        .cut(splitBytes);
  }

  private static void assertRefused(String code, String message, ThrowingCallable action) {
    assertThatThrownBy(action)
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(message)
        .extracting(e -> ((MalformedFileException) e).code())
        .isEqualTo(code);
  }

  /** Some of every rank, type and size, empty ones and column-major ones among them. */
  private static List<Shard> randomShards(Random random) {
    List<Shard> shards = new ArrayList<>();
    for (int f = 0; f < 12; f++) {
      List<ShardTensor> tensors = new ArrayList<>();
      long offset = 64L + random.nextInt(100);
      for (int t = random.nextInt(6); t > 0; t--) {
        long[] shape = random.longs(2 + random.nextInt(4), 0, 9).toArray();
        shape[1] = 3;
        DType dtype = DTYPES.get(random.nextInt(DTYPES.size()));
        ShardTensor tensor = tensor("layer" + random.nextInt(4) + "/" + t, dtype, offset, shape);
        tensors.add(random.nextInt(4) == 0 ? Shards.columnMajor(tensor) : tensor);
        offset += tensor.bytes();
      }
      shards.add(shard("f" + f, tensors.toArray(ShardTensor[]::new)));
    }
    return shards;
  }

  @Test
  void theOrderOfShardsDoesNotMatter() throws MalformedFileException {
    Random random = new Random(SEED);
    List<Shard> shards = randomShards(random);
    ActivationPlan plan = plan(300, shards.toArray(Shard[]::new));
    for (int order = 0; order < 10; order++) {
      Collections.shuffle(shards, random);
      assertThat(plan(300, shards.toArray(Shard[]::new))).as("seed %d", SEED).isEqualTo(plan);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 100, 1000, 7000, Long.MAX_VALUE})
  void everyElementIsReadOnce(long splitBytes) throws MalformedFileException {
    Random random = new Random(SEED);
    for (int trial = 0; trial < 100; trial++) {
      List<Shard> shards = randomShards(random);
      ActivationPlan plan = plan(splitBytes, shards.toArray(Shard[]::new));
      List<ShardTensor> expected =
          shards.stream().flatMap(shard -> shard.tensors().stream()).toList();
      long elements = 0;
      Piece before = null;
      for (int s = 0; s < plan.splits().size(); s++) {
        Split split = plan.splits().get(s);
        assertThat(split.index()).isEqualTo(s);
        assertThat(split.pieces()).isNotEmpty();
        long bytes = split.pieces().stream().mapToLong(Piece::bytes).sum();
        // In the order of files and offsets, hence each once: none may follow itself or overlap.
        for (Piece piece : split.pieces()) {
          assertFollows(before, piece);
          assertThat(piece.elements()).isPositive();
          before = piece;
          elements += piece.elements();
        }
        if (bytes > splitBytes) {
          assertThat(split.pieces()).as("seed %d, trial %d", SEED, trial).hasSize(1);
        }
      }
      assertThat(elements)
          .isEqualTo(expected.stream().mapToLong(tensor -> tensor.shape().elements()).sum());
      assertThat(plan.bytes()).isEqualTo(expected.stream().mapToLong(ShardTensor::bytes).sum());
      assertThat(plan.tensors()).isEqualTo(expected.size());
    }
  }

  private static void assertFollows(Piece before, Piece piece) {
    if (before != null && before.tensor().ordinal() == piece.tensor().ordinal()) {
      assertThat(piece.tensor()).isEqualTo(before.tensor());
      assertThat(piece.firstElement()).isEqualTo(before.firstElement() + before.elements());
      return;
    }
    assertThat(piece.firstElement()).isZero();
    if (before != null) {
      assertThat(before.firstElement() + before.elements())
          .isEqualTo(before.tensor().view().elements());
      assertThat(piece.tensor().ordinal()).isGreaterThan(before.tensor().ordinal());
    }
  }

  @Test
  void smallTensorsShareASplitAcrossFiles() throws MalformedFileException {
    ActivationPlan plan =
        plan(
            100,
            shard("a", tensor("bn/0", DType.F32, 8, 4, 3)),
            shard("b", tensor("bn/1", DType.F32, 8, 4, 3)),
            shard("c", tensor("bn/2", DType.F32, 8, 4, 3)));
    // 48 bytes each.
    assertThat(plan.splits()).extracting(split -> split.pieces().size()).containsExactly(2, 1);
    assertThat(plan.files()).isEqualTo(3);
    assertThat(plan.layers()).containsExactly(new PlannedLayer("bn", 3, 3, 3, 12, 144));
  }

  @Test
  void aLargeTensorIsCutBetweenRowsAndARowNever() throws MalformedFileException {
    // Rows of 3 * 5 floats, 60 bytes; in column-major order the last axis is the outermost: rows of
    // 7 * 3 floats, 84 bytes.
    ShardTensor rows = tensor("bn/0", DType.F32, 8, 7, 3, 5);
    assertThat(pieces(plan(130, shard("a", rows)))).containsExactly(30L, 30L, 30L, 15L);
    assertThat(pieces(plan(59, shard("a", rows)))).hasSize(7).containsOnly(15L);
    assertThat(pieces(plan(1, shard("a", Shards.columnMajor(rows))))).hasSize(5).containsOnly(21L);
    assertThat(pieces(plan(420, shard("a", rows)))).containsExactly(105L);
    assertThat(plan(420, shard("a", rows)).splits().get(0).pieces().get(0).isWhole()).isTrue();
  }

  private static List<Long> pieces(ActivationPlan plan) {
    return plan.splits().stream()
        .flatMap(split -> split.pieces().stream())
        .map(Piece::elements)
        .toList();
  }

  private static ActivationPlan plan(MiniBatching batching, long splitBytes, Shard... shards)
      throws MalformedFileException {
    MiniBatchRule rule = new MiniBatchRule(batching, 0);
    return ActivationPlanner.select(Shards.LAYER_SLASH_NUMBER, rule, List.of(shards))
        .cut(splitBytes);
  }

  /** 20 rows of 60 bytes; by sevens, of which one piece holds two, one, or none. */
  @Test
  void whereRowsMakeMiniBatchesItIsCutBetweenThose() throws MalformedFileException {
    Shard rows = shard("a", tensor("bn/0", DType.F32, 8, 20, 3, 5));
    MiniBatching sevens = MiniBatching.ofRows(7);
    assertThat(pieces(plan(sevens, 1000, rows))).containsExactly(14 * 15L, 6 * 15L);
    assertThat(pieces(plan(sevens, 800, rows))).containsExactly(7 * 15L, 7 * 15L, 6 * 15L);
    assertThat(pieces(plan(sevens, 419, rows))).containsExactly(6 * 15L, 6 * 15L, 6 * 15L, 2 * 15L);
    assertThat(pieces(plan(sevens, 1, rows))).hasSize(20);
    assertThat(plan(sevens, 1000, rows).layers().get(0).miniBatches()).isEqualTo(3);
  }

  @Test
  void rowsOfColumnMajorArraysDoNotLieTogether() throws MalformedFileException {
    Shard shard = shard("a", Shards.columnMajor(tensor("bn/0", DType.F32, 8, 7, 3, 5)));
    assertRefused(
        "COLUMN_MAJOR",
        "/in/a at byte 8: COLUMN_MAJOR: tensor bn/0 is in Fortran order, so that its rows do not lie"
            + " together, but 6 of them are a mini-batch; numpy.ascontiguousarray puts them"
            + " together",
        () -> plan(MiniBatching.ofRows(6), 1000, shard));
    assertThat(pieces(plan(MiniBatching.ofRows(7), 100, shard))).hasSize(5);
  }

  /** Every process of a training run wrote a file of its own, with a part of each mini-batch. */
  @Test
  void partsOfAMiniBatchComeIntoTheSameSplit() throws MalformedFileException {
    List<Shard> ranks = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      List<ShardTensor> tensors = new ArrayList<>();
      for (int b = 0; b < 12; b++) {
        tensors.add(tensor("bn/" + b, DType.F32, 8 + 48L * b, 4, 3));
      }
      ranks.add(shard("rank" + rank, tensors.toArray(ShardTensor[]::new)));
    }
    // 48 bytes each: two mini-batches a split.
    ActivationPlan plan = plan(MiniBatching.KEY, 290, ranks.toArray(Shard[]::new));
    assertThat(plan.layers()).containsExactly(new PlannedLayer("bn", 3, 36, 12, 144, 1728));
    assertThat(plan.splits()).hasSize(6);
    for (Split split : plan.splits()) {
      assertThat(split.pieces()).hasSize(6);
      assertThat(split.pieces())
          .extracting(piece -> piece.tensor().miniBatches().at(0, "").id().number())
          .containsExactlyInAnyOrder(
              2L * split.index(),
              2L * split.index(),
              2L * split.index(),
              2L * split.index() + 1,
              2L * split.index() + 1,
              2L * split.index() + 1);
      // One stream a file.
      assertThat(split.pieces()).extracting(piece -> piece.tensor().file().name()).isSorted();
    }
  }

  @Test
  void columnMajorArraysHaveTheirChannelsElsewhere() throws MalformedFileException {
    ShardTensor first = Shards.columnMajor(tensor("bn/0", DType.F32, 8, 7, 3, 5));
    ShardTensor last = Shards.columnMajor(tensor("bn-last/0", DType.F32, 500, 7, 5, 3));
    ActivationPlan plan = plan(10_000, shard("a", first, last));
    assertThat(plan.splits().get(0).pieces())
        .extracting(piece -> piece.tensor().view())
        .containsExactly(new ChannelView(5, 3, 7), new ChannelView(1, 3, 35));
  }

  /** Hostile input 25. */
  @Test
  void tensorsWithoutElementsAreCountedAndNotRead() throws MalformedFileException {
    ActivationPlan plan =
        plan(
            10,
            shard(
                "a",
                tensor("bn/0", DType.F32, 8, 0, 3),
                tensor("bn/1", DType.F32, 8, 4, 3, 0),
                tensor("none/0", DType.F32, 8, 5, 0)));
    assertThat(plan.splits()).isEmpty();
    assertThat(plan.layers())
        .containsExactly(
            new PlannedLayer("bn", 3, 2, 0, 0, 0), new PlannedLayer("none", 0, 1, 0, 5, 0));
  }

  @Test
  void unwantedLayersMayBeAnything() throws MalformedFileException {
    ActivationPlan plan = plan(10, shard("a", tensor("unwanted/0", DType.F32, 8, 4)));
    assertThat(plan.layers()).isEmpty();
    assertThat(plan.files()).isZero();
  }

  @Test
  void layersThatDisagreeNameBothFiles() {
    assertRefused(
        "SHAPE_MISMATCH",
        "/in/b at byte 16: SHAPE_MISMATCH: tensor bn/1 of shape [5, 4] has 4 channels, but layer bn"
            + " has 3 in tensor bn/0 of /in/a",
        () ->
            plan(
                10,
                shard("b", tensor("bn/1", DType.F32, 16, 5, 4)),
                shard("a", tensor("bn/0", DType.F32, 8, 5, 3))));
  }

  @Test
  void namesMustMatchThePattern() {
    assertRefused(
        "LAYER_NAME",
        "/in/a at byte 8: LAYER_NAME: tensor bn does not match the layer pattern LAYER/NUMBER",
        () -> plan(10, shard("a", tensor("bn", DType.F32, 8, 5, 3))));
  }

  @Test
  void aTensorWithoutAChannelAxisIsRefusedWithAHint() {
    assertRefused(
        "RANK_TOO_SMALL",
        "/in/a at byte 8: RANK_TOO_SMALL: tensor bn/0: shape [5] has rank 1, but activations have a"
            + " batch axis and a channel axis; --layers can leave it out",
        () -> plan(10, shard("a", tensor("bn/0", DType.F32, 8, 5))));
  }

  /** Sizes that only tensors without elements can have, since all others lie in a file. */
  @Test
  void absurdSizesAreRefusedAndNotAllocated() {
    assertRefused(
        "TOO_MANY_CHANNELS",
        "/in/a at byte 8: TOO_MANY_CHANNELS: tensor bn/0 of shape [0, 2000000000] has 2000000000"
            + " channels, expected at most 1048576",
        () -> plan(10, shard("a", tensor("bn/0", DType.F32, 8, 0, 2_000_000_000))));
    ShardTensor endless = tensor("bn/0", DType.U8, 8, 1L << 62, 0);
    assertRefused(
        "SIZE_OVERFLOW",
        "/in/a at byte 8: SIZE_OVERFLOW: with tensor bn/0, layer bn has more than 2^63 - 1 values per"
            + " channel or bytes",
        () -> plan(10, shard("a", endless, endless)));
  }

  @Test
  void aSplitSizeMustBePositive() {
    assertThatThrownBy(() -> plan(0, shard("a", tensor("bn/0", DType.F32, 8, 5, 3))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("split size is 0, but must be positive");
  }

  @Test
  void shardsAndSplitsSurviveJavaSerialization() throws Exception {
    Shard shard = shard("a", tensor("bn/0", DType.F32, 8, 5, 3));
    assertThat(Serialized.copy(shard)).isEqualTo(shard);
    Split split = plan(10, shard).splits().get(0);
    assertThat(Serialized.copy(split)).isEqualTo(split);
  }
}
