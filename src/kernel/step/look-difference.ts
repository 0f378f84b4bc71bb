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
  const kernel = differAligned(first.kernel, second.kernel, passedUs);
  return { ...second, tags, kernel: kernel ?? differGroups(first.kernel, second.kernel, passedUs) };
}

/** The usual case: both looks tell the same facts in the same order. Null: they do not. */
function differAligned(
  before: readonly KernelFact[],
  now: readonly KernelFact[],
  passedUs: Us,
): readonly KernelFact[] | null {
  if (before.length !== now.length) return null;
  const changed: KernelFact[] = [];
  for (let place = 0; place < now.length; place += 1) {
    const old = before[place];
    const fact = now[place];
    if (old === undefined || fact === undefined || !isAbout(old, fact)) return null;
    if (!sameFact(old, fact, passedUs)) changed.push(fact);
  }
  return now.filter((fact) => changed.some((one) => isAbout(one, fact)));
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
  const changed = groupFacts(difference.kernel);
  const kernel: KernelFact[] = [];
  for (const [key, facts] of groupFacts(first.kernel)) {
    const now = changed.get(key);
    changed.delete(key);
    if (now === undefined) kernel.push(...facts.map((fact) => growOlder(fact, passedUs)));
    else if (!saysGone(now)) kernel.push(...now);
  }
  for (const facts of changed.values()) kernel.push(...facts);
  const tags = first.tags.map(
    (tag) => findTag(difference, tag.tag) ?? { ...tag, ageUs: tagAge(tag, passedUs) },
  );
  return { ...difference, tags, kernel };
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
