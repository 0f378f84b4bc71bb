import type { KernelFact, Look, TagFact } from "../record/look.js";
import type { Us } from "../units.js";

/**
 * The second look as an outcome keeps it: of tags and kernel facts only what differs from the first;
 * the rest is given whole. A fact is the same when its value is, and its age has grown by just the time
 * between the two looks. Where a kind and index had facts before and have none now, one fact without
 * value and age says so.
 */
export function differLook(first: Look, second: Look): Look {
  const passedUs = second.monoUs - first.monoUs;
  const tags = second.tags.filter((tag) => !sameTag(findTag(first, tag.tag), tag, passedUs));
  const kernel = differInOrder(first.kernel, second.kernel, passedUs);
  return { ...second, tags, kernel: kernel ?? differGroups(first.kernel, second.kernel, passedUs) };
}

/**
 * The usual case, without maps: both looks tell their groups in the same order, as `gatherFacts` does, and
 * each group in one piece. Null: they do not, and nothing may be concluded.
 */
function differInOrder(
  before: readonly KernelFact[],
  now: readonly KernelFact[],
  passedUs: Us,
): readonly KernelFact[] | null {
  const changed: KernelFact[] = [];
  let old = 0;
  let place = 0;
  while (old < before.length || place < now.length) {
    const was = before[old];
    const is = now[place];
    const oldEnd = endOfGroup(before, old);
    const end = endOfGroup(now, place);
    if (oldEnd < 0 || end < 0) return null;
    if (was !== undefined && is !== undefined && isAbout(was, is)) {
      if (!sameRange({ before, old, oldEnd }, { now, place, end }, passedUs)) {
        addFacts(changed, now, place, end);
      }
      old = oldEnd;
      place = end;
    } else if (is !== undefined && findGroup(before, is, old) < 0) {
      if (findGroup(before, is, 0) >= 0) return null;
      addFacts(changed, now, place, end);
      place = end;
    } else if (was !== undefined) {
      if (findGroup(now, was, 0) >= 0) return null;
      changed.push({ kind: was.kind, index: was.index, value: null });
      old = oldEnd;
    }
  }
  return changed;
}

function addFacts(to: KernelFact[], facts: readonly KernelFact[], from: number, end: number): void {
  for (let place = from; place < end; place += 1) {
    const fact = facts[place];
    if (fact !== undefined) to.push(fact);
  }
}

/** First place behind the facts of one kind and index that begin at `from`; -1: more of them come later. */
function endOfGroup(facts: readonly KernelFact[], from: number): number {
  const first = facts[from];
  if (first === undefined) return from;
  let end = from + 1;
  for (let next = facts[end]; next !== undefined; next = facts[end]) {
    if (!isAbout(first, next)) break;
    end += 1;
  }
  return findGroup(facts, first, end) >= 0 ? -1 : end;
}

/** -1: none from `from` on. */
function findGroup(facts: readonly KernelFact[], like: KernelFact, from: number): number {
  for (let place = from; place < facts.length; place += 1) {
    const fact = facts[place];
    if (fact !== undefined && isAbout(fact, like)) return place;
  }
  return -1;
}

function sameRange(
  first: { readonly before: readonly KernelFact[]; readonly old: number; readonly oldEnd: number },
  second: { readonly now: readonly KernelFact[]; readonly place: number; readonly end: number },
  passedUs: Us,
): boolean {
  const { before, old, oldEnd } = first;
  const { now, place, end } = second;
  if (oldEnd - old !== end - place) return false;
  for (let at = 0; at < end - place; at += 1) {
    const was = before[old + at];
    const is = now[place + at];
    if (was === undefined || is === undefined || !sameFact(was, is, passedUs)) return false;
  }
  return true;
}

function differGroups(
  first: readonly KernelFact[],
  second: readonly KernelFact[],
  passedUs: Us,
): readonly KernelFact[] {
  const kernel: KernelFact[] = [];
  const before = groupFacts(first);
  const now = groupFacts(second);
  for (const [key, facts] of now) {
    if (!sameGroup(before.get(key) ?? [], facts, passedUs)) kernel.push(...facts);
  }
  for (const [key, [gone]] of before) {
    if (gone !== undefined && !now.has(key)) {
      kernel.push({ kind: gone.kind, index: gone.index, value: null });
    }
  }
  return kernel;
}

/** The whole second look again, from the first and what {@link differLook} kept. */
export function mergeLook(first: Look, difference: Look): Look {
  const passedUs = difference.monoUs - first.monoUs;
  const kernel =
    mergeInOrder(first.kernel, difference.kernel, passedUs) ??
    mergeGroups(first.kernel, difference.kernel, passedUs);
  const tags = first.tags.map(
    (tag) => findTag(difference, tag.tag) ?? { ...tag, ageUs: tagAge(tag, passedUs) },
  );
  return { ...difference, tags, kernel };
}

/** The usual case, without maps: each group in one piece. Null: it is not that case. */
function mergeInOrder(
  first: readonly KernelFact[],
  changed: readonly KernelFact[],
  passedUs: Us,
): readonly KernelFact[] | null {
  const kernel: KernelFact[] = [];
  for (let place = 0, end = 0; place < first.length; place = end) {
    const was = first[place];
    end = endOfGroup(first, place);
    if (was === undefined || end < 0) return null;
    const from = findGroup(changed, was, 0);
    if (from >= 0) {
      const to = endOfGroup(changed, from);
      if (to < 0) return null;
      if (!saysGone(changed.slice(from, to))) addFacts(kernel, changed, from, to);
    } else {
      for (let at = place; at < end; at += 1) {
        const fact = first[at];
        if (fact !== undefined) kernel.push(growOlder(fact, passedUs));
      }
    }
  }
  for (let place = 0, end = 0; place < changed.length; place = end) {
    const is = changed[place];
    end = endOfGroup(changed, place);
    if (is === undefined || end < 0) return null;
    if (findGroup(first, is, 0) < 0) addFacts(kernel, changed, place, end);
  }
  return kernel;
}

function mergeGroups(
  first: readonly KernelFact[],
  difference: readonly KernelFact[],
  passedUs: Us,
): readonly KernelFact[] {
  const kernel: KernelFact[] = [];
  const changed = groupFacts(difference);
  for (const [key, facts] of groupFacts(first)) {
    const now = changed.get(key);
    changed.delete(key);
    if (now === undefined) kernel.push(...facts.map((fact) => growOlder(fact, passedUs)));
    else if (!saysGone(now)) kernel.push(...now);
  }
  for (const facts of changed.values()) kernel.push(...facts);
  return kernel;
}

function findTag(look: Look, tag: number): TagFact | undefined {
  return look.tags.find((each) => each.tag === tag);
}

function sameTag(before: TagFact | undefined, now: TagFact, passedUs: Us): boolean {
  if (before === undefined) return false;
  const isValueSame = before.raw === now.raw && before.quality === now.quality;
  return isValueSame && tagAge(before, passedUs) === now.ageUs;
}

/** Never read: it has no age to grow. */
function tagAge(tag: TagFact, passedUs: Us): Us {
  return tag.quality === "never-read" ? tag.ageUs : tag.ageUs + passedUs;
}

function growOlder(fact: KernelFact, passedUs: Us): KernelFact {
  return fact.ageUs === undefined ? fact : { ...fact, ageUs: fact.ageUs + passedUs };
}

function groupFacts(facts: readonly KernelFact[]): Map<string, KernelFact[]> {
  const groups = new Map<string, KernelFact[]>();
  for (const fact of facts) {
    const key = `${fact.kind}/${fact.index}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [fact]);
    else group.push(fact);
  }
  return groups;
}

function sameGroup(
  before: readonly KernelFact[],
  now: readonly KernelFact[],
  passedUs: Us,
): boolean {
  return (
    before.length === now.length &&
    now.every((fact, place) => {
      const old = before[place];
      return old !== undefined && sameFact(old, fact, passedUs);
    })
  );
}

function isAbout(one: KernelFact, other: KernelFact): boolean {
  return one.kind === other.kind && one.index === other.index;
}

function sameFact(before: KernelFact, now: KernelFact, passedUs: Us): boolean {
  const ageUs = before.ageUs === undefined ? undefined : before.ageUs + passedUs;
  return before.value === now.value && ageUs === now.ageUs;
}

/** A group's disappearance; "proven" and "dwell" always have a fact, and null means unknown there. */
function saysGone(facts: readonly KernelFact[]): boolean {
  const [only] = facts;
  return (
    facts.length === 1 &&
    only !== undefined &&
    (only.kind === "planned" || only.kind === "window-oldest") &&
    only.value === null &&
    only.ageUs === undefined
  );
}
