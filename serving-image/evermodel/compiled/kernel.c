/* Sets of decision trees as flat arrays: answers, and what each feature adds to them.
 *
 * Every comparison is "x > threshold goes right" on doubles: libraries that compare in single precision, or with "<",
 * have their rows rounded here, and their thresholds moved to the neighbouring number when the arrays are made. Sums
 * run in the order of the trees and in the precision of the library, so that they are equal to its own to the last
 * bit; build without fused operations and without -ffast-math.
 *
 * A node and its sibling are neighbours, so a child is an addition and no branch. A leaf stands still: its step is 0,
 * and its feature is a column behind the last one that is always minus infinity. Its threshold holds its value, or
 * the number of its row in the table of leaves.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  double threshold; /* of a leaf: its value, or its row in the table of leaves */
  int32_t feature;  /* of a leaf: the number of features */
  int32_t step;     /* to the left child, the right one follows it; of a leaf: 0 */
} Node;

enum { LINK_NONE, LINK_SIGMOID, LINK_SIGMOIDS, LINK_SOFTMAX, LINK_EXP, LINK_SIGMOID_SINGLE,
       LINK_SOFTMAX_SINGLE, LINK_EXP_SINGLE, LINK_LEAVES };
enum { ROUND_NONE, ROUND_SINGLE, ROUND_TINY_TO_ZERO };
enum { DONE, REFUSED_MISSING, REFUSED_LARGE, NO_MEMORY };

typedef struct {
  const Node *nodes;
  const int32_t *roots;         /* of each tree */
  const int32_t *groups;        /* the output that each tree adds to; NULL: leaves are rows of the table */
  const double *leaves;         /* the table: rows of one value for each output, or NULL */
  const uint8_t *missing_right; /* of each node: missing goes right; NULL: missing goes left everywhere */
  const double *base;           /* what the sum of each output begins with */
  const float *cover;           /* of each node: how much of the training rows came through; NULL: not kept */
  double divisor;               /* of the sums, before the link: the number of trees of a mean, or 1 */
  double scale;                 /* what the sigmoids multiply by */
  int32_t trees, features, outputs, answers; /* answers: the numbers of each row of the result */
  int32_t link, rounding, single_sums, refuse_missing, refuse_large, depth;
} Forest;

#define BLOCK 64 /* rows that are walked through one tree before the next tree is read */
#define LANES 8  /* walks side by side: while one waits for memory, the others go on */

const char *evermodel_kernel_source(void) {
#ifdef SOURCE
  return SOURCE;
#else
  return "";
#endif
}

/* A row as the library sees it, with the leaves' column behind it. Ors 1 into *gaps where a value is missing. */
static int take_row(const Forest *forest, const double *row, double *taken, int *gaps) {
  int missing = 0, large = 0;
  for (int32_t i = 0; i < forest->features; i++) {
    double value = row[i];
    if (forest->rounding == ROUND_SINGLE) value = (double)(float)value;
    else if (forest->rounding == ROUND_TINY_TO_ZERO && fabs(value) <= 1e-35f) value = 0.0;
    taken[i] = value;
    missing |= value != value;
    large |= fabs(value) > 1.7976931348623157e308;
  }
  taken[forest->features] = -INFINITY;
  *gaps |= missing;
  if (missing && forest->refuse_missing) return REFUSED_MISSING;
  if (large && forest->refuse_large) return REFUSED_LARGE;
  return DONE;
}

static inline const Node *step(const Node *node, const double *row) {
  return node + node->step + (row[node->feature] > node->threshold);
}

static inline const Node *step_over_gaps(const Forest *forest, const Node *node, const double *row) {
  double value = row[node->feature];
  int right = (value > node->threshold) | ((value != value) & forest->missing_right[node - forest->nodes]);
  return node + node->step + right;
}

/* Up to LANES trees, one row. */
static void walk_trees(const Forest *forest, const int32_t *roots, int count, const double *row, int gaps,
                       const Node **leaves) {
  const Node *at[LANES];
  for (int i = 0; i < LANES; i++) at[i] = forest->nodes + roots[i < count ? i : 0];
  int32_t moved;
  if (gaps) {
    do {
      moved = 0;
      for (int i = 0; i < LANES; i++) {
        moved |= at[i]->step;
        at[i] = step_over_gaps(forest, at[i], row);
      }
    } while (moved);
  } else {
    do {
      moved = 0;
      for (int i = 0; i < LANES; i++) {
        moved |= at[i]->step;
        at[i] = step(at[i], row);
      }
    } while (moved);
  }
  for (int i = 0; i < count; i++) leaves[i] = at[i];
}

/* One tree, up to LANES rows. */
static void walk_rows(const Forest *forest, const Node *root, const double *rows, int64_t width, int count, int gaps,
                      const Node **leaves) {
  const Node *at[LANES];
  const double *row[LANES];
  for (int i = 0; i < LANES; i++) {
    at[i] = root;
    row[i] = rows + (i < count ? i : 0) * width;
  }
  int32_t moved;
  if (gaps) {
    do {
      moved = 0;
      for (int i = 0; i < LANES; i++) {
        moved |= at[i]->step;
        at[i] = step_over_gaps(forest, at[i], row[i]);
      }
    } while (moved);
  } else {
    do {
      moved = 0;
      for (int i = 0; i < LANES; i++) {
        moved |= at[i]->step;
        at[i] = step(at[i], row[i]);
      }
    } while (moved);
  }
  for (int i = 0; i < count; i++) leaves[i] = at[i];
}

static inline void add(const Forest *forest, int32_t tree, const Node *leaf, double *sums) {
  if (forest->link == LINK_LEAVES) {
    sums[tree] = leaf->threshold;
  } else if (forest->groups != NULL) {
    double *sum = sums + forest->groups[tree];
    *sum = forest->single_sums ? (double)((float)*sum + (float)leaf->threshold) : *sum + leaf->threshold;
  } else {
    const double *values = forest->leaves + (int64_t)leaf->threshold * forest->outputs;
    for (int32_t k = 0; k < forest->outputs; k++) sums[k] += values[k];
  }
}

static float sigmoid_single(float margin) {
  float turned = -margin;
  if (turned > 88.7f) turned = 88.7f;
  float below = expf(turned) + 1.0f + 1e-16f;
  return 1.0f / below;
}

/* From the sums of a row to its answers; where these are of another number, `sums` is a place of its own. */
static void link_row(const Forest *forest, double *sums, double *answers) {
  int32_t outputs = forest->outputs;
  if (forest->divisor != 1.0)
    for (int32_t k = 0; k < outputs; k++) sums[k] /= forest->divisor;
  switch (forest->link) {
    case LINK_SIGMOID: {
      double second = 1.0 / (1.0 + exp(-(forest->scale * sums[0])));
      if (forest->answers == 1) {
        answers[0] = second;
      } else {
        answers[0] = 1.0 - second;
        answers[1] = second;
      }
      break;
    }
    case LINK_SIGMOIDS:
      for (int32_t k = 0; k < outputs; k++) answers[k] = 1.0 / (1.0 + exp(-(forest->scale * sums[k])));
      break;
    case LINK_SOFTMAX: {
      double most = sums[0], total = 0.0;
      for (int32_t k = 1; k < outputs; k++) most = sums[k] > most ? sums[k] : most;
      for (int32_t k = 0; k < outputs; k++) {
        answers[k] = exp(sums[k] - most);
        total += answers[k];
      }
      for (int32_t k = 0; k < outputs; k++) answers[k] /= total;
      break;
    }
    case LINK_EXP:
      for (int32_t k = 0; k < outputs; k++) answers[k] = exp(sums[k]);
      break;
    case LINK_SIGMOID_SINGLE: {
      float second = sigmoid_single((float)sums[0]);
      if (forest->answers == 1) {
        answers[0] = (double)second;
      } else {
        answers[0] = (double)(1.0f - second);
        answers[1] = (double)second;
      }
      break;
    }
    case LINK_SOFTMAX_SINGLE: {
      float most = (float)sums[0];
      double total = 0.0;
      for (int32_t k = 1; k < outputs; k++) most = (float)sums[k] > most ? (float)sums[k] : most;
      for (int32_t k = 0; k < outputs; k++) {
        float part = expf((float)sums[k] - most);
        answers[k] = (double)part;
        total += (double)part;
      }
      for (int32_t k = 0; k < outputs; k++) answers[k] = (double)((float)answers[k] / (float)total);
      break;
    }
    case LINK_EXP_SINGLE:
      for (int32_t k = 0; k < outputs; k++) answers[k] = (double)expf((float)sums[k]);
      break;
    default:
      if (answers != sums) memcpy(answers, sums, sizeof(double) * (size_t)outputs);
  }
}

static void begin(const Forest *forest, double *sums) {
  if (forest->link != LINK_LEAVES) memcpy(sums, forest->base, sizeof(double) * (size_t)forest->outputs);
}

/* Answers to rows of `features` doubles each; `answers` has room for `rows` times forest->answers. */
int evermodel_predict(const Forest *forest, const double *rows, int64_t count, double *answers) {
  int64_t width = (int64_t)forest->features + 1;
  int64_t block = count < BLOCK ? count : BLOCK;
  int own = forest->link != LINK_LEAVES;
  int64_t kept = own ? forest->outputs : 0;
  double *space = malloc(sizeof(double) * (size_t)(block * (width + kept)));
  if (space == NULL) return NO_MEMORY;
  double *own_sums = space + block * width;
  const Node *leaves[LANES];
  int code = DONE;
  for (int64_t first = 0; first < count && code == DONE; first += BLOCK) {
    int64_t taken = count - first < BLOCK ? count - first : BLOCK;
    double *sums = own ? own_sums : answers + first * forest->answers;
    int64_t stride = own ? forest->outputs : forest->answers;
    int gaps = 0;
    for (int64_t r = 0; r < taken && code == DONE; r++) {
      code = take_row(forest, rows + (first + r) * forest->features, space + r * width, &gaps);
      begin(forest, sums + r * stride);
    }
    if (code != DONE) break;
    gaps = gaps && forest->missing_right != NULL;
    if (taken < LANES) {
      for (int64_t r = 0; r < taken; r++) {
        for (int32_t tree = 0; tree < forest->trees; tree += LANES) {
          int side = forest->trees - tree < LANES ? forest->trees - tree : LANES;
          walk_trees(forest, forest->roots + tree, side, space + r * width, gaps, leaves);
          for (int i = 0; i < side; i++) add(forest, tree + i, leaves[i], sums + r * stride);
        }
      }
    } else {
      for (int32_t tree = 0; tree < forest->trees; tree++) {
        for (int64_t r = 0; r < taken; r += LANES) {
          int side = taken - r < LANES ? (int)(taken - r) : LANES;
          walk_rows(forest, forest->nodes + forest->roots[tree], space + r * width, width, side, gaps, leaves);
          for (int i = 0; i < side; i++) add(forest, tree, leaves[i], sums + (r + i) * stride);
        }
      }
    }
    if (own)
      for (int64_t r = 0; r < taken; r++) link_row(forest, sums + r * stride, answers + (first + r) * forest->answers);
  }
  free(space);
  return code;
}

/* ---- What each feature adds: exact Shapley values, with the training rows that came through each node as the weights
 * of what is not known (as Lundberg, Erion, Lee 2018 define it).
 *
 * On the way to a leaf each feature goes on with the share `one` (1 or 0) where it is known, and `zero` where it is
 * not. Shapley's weights of a set are an integral of powers of t and 1 - t, so that a leaf of value v adds to a feature
 *
 *     v * (one - zero) * integral from 0 to 1 of the product of (one' * t + zero' * (1 - t)) over the other features.
 *
 * The integral is a sum over a few points, exact for such polynomials (Gauss and Legendre). Nothing in it is below 0,
 * so nothing cancels: the recurrence of that paper divides again and again, and on ways with more than fifty features
 * nothing that it gives is right. What comes up from below is summed for each point, so a node costs its points only. ---- */

#define NOTHING 1e-290 /* a share below this adds nothing that could be told */

typedef struct {
  const Forest *forest;
  const double *row;
  const double *points, *weights; /* of the integral, between 0 and 1 */
  int32_t count;                  /* of points */
  double *ones, *zeros;           /* of each feature, on the way to the node at hand */
  double *shares;                 /* features x outputs */
  int32_t group;
  int32_t width; /* numbers that a leaf of this tree holds */
} Question;

static inline double factor(double one, double zero, double point) { return one * point + zero * (1.0 - point); }

static void descend(const Question *question, const Node *node, const double *product, double *space, double *sums);

/* One child: its sums are added to those of its parent. `space` has room for what the child and those below need. */
static void follow(const Question *question, const Node *child, int32_t feature, double one, double zero,
                   const double *product, double *space, double *sums) {
  int32_t count = question->count, width = question->width;
  double old_one = question->ones[feature], old_zero = question->zeros[feature];
  if (one == 0.0 && !(zero > NOTHING)) return;
  double *own = space, *below = own + count;
  for (int32_t q = 0; q < count; q++)
    own[q] = product[q] * factor(one, zero, question->points[q]) / factor(old_one, old_zero, question->points[q]);
  question->ones[feature] = one;
  question->zeros[feature] = zero;
  descend(question, child, own, below + (int64_t)count * width, below);
  question->ones[feature] = old_one;
  question->zeros[feature] = old_zero;
  double *shares = question->shares + (int64_t)feature * question->forest->outputs + question->group;
  for (int32_t q = 0; q < count; q++) {
    double point = question->points[q];
    /* what this share gives, in place of what the share above gave for the same leaves */
    own[q] = question->weights[q] *
             ((one - zero) / factor(one, zero, point) - (old_one - old_zero) / factor(old_one, old_zero, point));
  }
  for (int32_t k = 0; k < width; k++) {
    const double *from = below + (int64_t)k * count;
    double *to = sums + (int64_t)k * count, share = 0.0;
    for (int32_t q = 0; q < count; q++) {
      share += own[q] * from[q];
      to[q] += from[q];
    }
    shares[k] += share;
  }
}

/* Sums of value and product over the leaves below a node, for each output and point. */
static void descend(const Question *question, const Node *node, const double *product, double *space, double *sums) {
  const Forest *forest = question->forest;
  int32_t count = question->count, width = question->width;
  if (node->step == 0) {
    const double *values =
        forest->groups != NULL ? &node->threshold : forest->leaves + (int64_t)node->threshold * forest->outputs;
    for (int32_t k = 0; k < width; k++)
      for (int32_t q = 0; q < count; q++) sums[(int64_t)k * count + q] = values[k] * product[q];
    return;
  }
  memset(sums, 0, sizeof(double) * (size_t)count * (size_t)width);
  const Node *taken =
      forest->missing_right != NULL ? step_over_gaps(forest, node, question->row) : step(node, question->row);
  const Node *left = node + node->step;
  const Node *other = taken == left ? left + 1 : left;
  double through = (double)forest->cover[node - forest->nodes];
  double known = question->ones[node->feature], unknown = question->zeros[node->feature];
  if (!(through > 0.0)) through = INFINITY;
  follow(question, taken, node->feature, known, unknown * ((double)forest->cover[taken - forest->nodes] / through),
         product, space, sums);
  follow(question, other, node->feature, 0.0, unknown * ((double)forest->cover[other - forest->nodes] / through),
         product, space, sums);
}

/* What each feature adds to the sums of each row: `shares` has room for rows x features x outputs and is zero. The
 * points must be enough for the depth of the trees. */
int evermodel_contributions(const Forest *forest, const double *rows, int64_t count, const double *points,
                            const double *weights, int32_t point_count, double *shares) {
  int64_t features = forest->features;
  int32_t width = forest->groups != NULL ? 1 : forest->outputs;
  int64_t level = (int64_t)point_count * (1 + width);
  double *row = malloc(sizeof(double) * (size_t)(3 * features + 1));
  double *space = malloc(sizeof(double) * (size_t)(level * ((int64_t)forest->depth + 2)));
  int code = row == NULL || space == NULL ? NO_MEMORY : DONE;
  for (int64_t r = 0; r < count && code == DONE; r++) {
    int gaps = 0;
    code = take_row(forest, rows + r * features, row, &gaps);
    if (code != DONE) break;
    double *ones = row + features + 1, *zeros = ones + features;
    for (int64_t i = 0; i < features; i++) ones[i] = zeros[i] = 1.0;
    for (int32_t tree = 0; tree < forest->trees; tree++) {
      Question question = {forest, row,   points, weights, point_count,
                           ones,   zeros, shares + r * features * forest->outputs,
                           forest->groups != NULL ? forest->groups[tree] : 0, width};
      for (int32_t q = 0; q < point_count; q++) space[q] = 1.0;
      descend(&question, forest->nodes + forest->roots[tree], space, space + level, space + point_count);
    }
  }
  free(space);
  free(row);
  return code;
}

/* What the sums are where no feature is known: `expected` has room for one number for each output and is zero. */
int evermodel_expected(const Forest *forest, int64_t nodes, double *expected) {
  double *weights = calloc((size_t)nodes, sizeof(double));
  if (weights == NULL) return NO_MEMORY;
  for (int32_t tree = 0; tree < forest->trees; tree++) {
    int64_t first = forest->roots[tree], end = tree + 1 < forest->trees ? forest->roots[tree + 1] : nodes;
    weights[first] = 1.0;
    for (int64_t at = first; at < end; at++) {
      const Node *node = forest->nodes + at;
      if (node->step != 0) {
        double through = (double)forest->cover[at];
        for (int64_t child = at + node->step; child <= at + node->step + 1; child++)
          weights[child] = through > 0.0 ? weights[at] * ((double)forest->cover[child] / through) : 0.0;
      } else if (forest->groups != NULL) {
        expected[forest->groups[tree]] += weights[at] * node->threshold;
      } else {
        const double *values = forest->leaves + (int64_t)node->threshold * forest->outputs;
        for (int32_t k = 0; k < forest->outputs; k++) expected[k] += weights[at] * values[k];
      }
    }
  }
  free(weights);
  return DONE;
}

/* Where each node of one tree goes: siblings side by side, and the one that more rows came through followed first, so
 * that what is read together lies together. Children are numbers of nodes, below 0 for a leaf.
 * Returns how many nodes can be reached; -1 where the arrays are no tree; -2 without memory. */
int64_t evermodel_arrange(const int32_t *left, const int32_t *right, const double *cover, int64_t count,
                          int32_t *old_of_new, int32_t *steps) {
  int32_t *waiting = malloc(sizeof(int32_t) * (size_t)(count + 1));
  if (waiting == NULL) return -2;
  int64_t held = 0, made = 1;
  old_of_new[0] = 0;
  waiting[held++] = 0;
  while (held > 0) {
    int32_t at = waiting[--held], old = old_of_new[at];
    steps[at] = 0;
    if (left[old] < 0) continue;
    if (left[old] >= count || right[old] < 0 || right[old] >= count || made + 2 > count) {
      made = -1;
      break;
    }
    old_of_new[made] = left[old];
    old_of_new[made + 1] = right[old];
    steps[at] = (int32_t)(made - at);
    int right_first = cover[right[old]] > cover[left[old]];
    waiting[held++] = (int32_t)(right_first ? made : made + 1);
    waiting[held++] = (int32_t)(right_first ? made + 1 : made);
    made += 2;
  }
  free(waiting);
  return made;
}

/* Numbers equal rows alike, in the order in which they come first. Returns how many different ones there are; -2
 * without memory. `firsts` has room for one number for each row. */
int64_t evermodel_distinct(const double *rows, int64_t count, int64_t width, int32_t *numbers, int32_t *firsts) {
  uint64_t places = 16;
  while (places < (uint64_t)count * 2) places *= 2;
  int32_t *table = malloc(sizeof(int32_t) * places);
  if (table == NULL) return -2;
  memset(table, 0xff, sizeof(int32_t) * places);
  int64_t made = 0;
  for (int64_t r = 0; r < count; r++) {
    const double *row = rows + r * width;
    uint64_t hash = 0;
    for (int64_t k = 0; k < width; k++) {
      uint64_t bits;
      memcpy(&bits, row + k, sizeof bits);
      hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 29;
    }
    uint64_t place = hash & (places - 1);
    while (table[place] >= 0 &&
           memcmp(rows + firsts[table[place]] * width, row, sizeof(double) * (size_t)width) != 0)
      place = (place + 1) & (places - 1);
    if (table[place] < 0) {
      firsts[made] = (int32_t)r;
      table[place] = (int32_t)made++;
    }
    numbers[r] = table[place];
  }
  free(table);
  return made;
}

/* What XGBoost makes of a share as the beginning of a sum, in its own precision. */
float evermodel_logit_single(float share) { return -logf(1.0f / share - 1.0f); }
float evermodel_log_single(float value) { return logf(value); }
