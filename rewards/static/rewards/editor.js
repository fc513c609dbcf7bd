/* Draws a definition's JSON as rows, and writes what is changed in them back to it.
   What the JSON means, and whether it is right, the server alone says: it is asked while one types. */

const PAUSE_MS = 300; // shorter than a thought, longer than the gap between two keys
const TYPING_MS = 1000; // after that, browsers take a letter for the first of a new word
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = "\u0000number";
const KIND_WORDS = { text: "a text", number: "a number", boolean: "yes or no" };
const GROUP_WORDS = { event: "Fields of the event", customer: "The customer", time: "Local time" };
const NEW_KEYS = { "event.": "Another field of the event…", "customer.": "Another attribute…" };

/* A number as it was typed: JavaScript's own would round one of 20 digits. */
class Exact {
  constructor(text) {
    this.text = String(text);
  }

  get isNumber() {
    return NUMBER.test(this.text);
  }
}

function readJson(text) {
  JSON.parse(text); // with the grammar checked, every digit outside of a string is a number's
  const marked = text.replace(TOKEN, (token) =>
    token.startsWith('"') ? token : `{"\\u0000number":"${token}"}`,
  );
  return JSON.parse(marked, (key, value) =>
    typeof value?.[MARK] === "string" ? new Exact(value[MARK]) : value,
  );
}

/* What should be a number and is none yet goes as a text, so that no reader takes it for one. */
function writeJson(value) {
  const mark = (key, each) => {
    if (!(each instanceof Exact)) return each;
    return each.isNumber ? MARK + each.text : each.text;
  };
  return JSON.stringify(value, mark, 2).replace(/"\\u0000number([^"\\]*)"/g, "$1");
}

function kindOf(value) {
  if (value instanceof Exact) return "number";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? "boolean" : "";
}

const isObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Exact);
const leavesOf = (node) => (node?.rules ? node.rules.flatMap(leavesOf) : node ? [node] : []);
const textOf = (value) => (value instanceof Exact ? value.text : String(value ?? ""));

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function labelled(label, control, className = "") {
  control.id = `row-${control.dataset.key}`;
  return make("div", { class: `tw-cell ${className}` }, make("label", { for: control.id }, label), control);
}

const line = (...children) => make("div", { class: "tw-line" }, ...children);

function section(title, ...children) {
  return make("fieldset", { class: "tw-part" }, make("legend", {}, title), ...children);
}

class Editor {
  constructor(root) {
    this.root = root;
    this.settings = JSON.parse(root.querySelector("script").textContent);
    this.words = this.settings.words;
    this.operators = new Map(this.words.operators.map((each) => [each.name, each]));
    this.area = root.querySelector("textarea");
    this.rows = root.querySelector("[data-rows]");
    this.status = root.querySelector("[data-status]");
    this.form = root.closest("form");
    this.chooser = this.form.querySelector("select[name=project]");
    this.offers = { events: [], streaks: {}, fields: [] };
    this.kinds = new WeakMap(); // of leaves whose value does not tell it yet
    this.awards = {}; // those put aside, should one change one's mind
    this.first = this.area.value;
    this.typing = 0;
  }

  async start() {
    this.root.querySelector("details").open = false;
    this.area.setAttribute("aria-label", "The definition as JSON");
    this.area.addEventListener("input", () => {
      this.draw();
      this.ask();
    });
    this.holdStill();
    this.chooser?.addEventListener("change", () => this.refresh());
    this.rows.addEventListener("keydown", (event) => this.pressKey(event));
    this.rows.addEventListener("focusin", () => this.moveOn());
    this.form.addEventListener("submit", (event) => {
      const broken = this.rows.querySelector("[data-broken]");
      if (!broken) return;
      event.preventDefault();
      broken.focus();
    });
    await this.refresh();
  }

  /* A row must not be drawn anew under a pressed button: the click on it would be lost. */
  holdStill() {
    document.addEventListener("pointerdown", () => (this.isPressed = true));
    for (const name of ["pointerup", "pointercancel"]) {
      document.addEventListener(name, () =>
        setTimeout(() => {
          this.isPressed = false;
          this.drawLate();
        }),
      );
    }
  }

  pressKey(event) {
    const { key, target } = event;
    // Enter in a row would publish what is half written.
    if (key === "Enter" && target.matches("input")) event.preventDefault();
    // A select that were drawn anew would forget the letters typed so far.
    if (!target.matches("select") || key.length > 1) return;
    this.typing = Date.now();
    this.typedIn = target.dataset.key;
  }

  /* What was put off while one typed is drawn once the focus has moved on, and is moved with it. */
  moveOn() {
    this.typing = 0;
    this.drawLate(); // at once: a browser lets the next key come before any timer
  }

  drawLate() {
    if (this.isLate) this.draw(this.lateFocus);
  }

  get isUntouched() {
    const { name } = this.settings;
    return !name && this.area.value === this.first && !this.form.querySelector(".errors");
  }

  get project() {
    return this.settings.project ?? this.chooser?.value ?? "";
  }

  get subject() {
    const { event, trigger } = this.definition ?? {};
    return isObject(trigger) ? { streak: trigger.streak } : { event: event ?? trigger };
  }

  async refresh() {
    this.draw();
    await this.load();
    this.draw();
    if (this.isUntouched) this.say("Fill in the rows: what they say is told here in words.", "");
    else if (this.project) this.ask();
  }

  async load() {
    if (!this.project) return;
    const query = new URLSearchParams({ project: this.project });
    for (const [name, value] of Object.entries(this.subject)) query.set(name, value ?? "");
    const response = await fetch(`${this.settings.offers}?${query}`);
    if (!response.ok || response.redirected) return;
    this.offers = await response.json();
    for (const each of document.querySelectorAll("[data-zone]")) {
      each.textContent = this.offers.time_zone;
    }
  }

  /* The words */

  changed({ redraw = true, focus = "" } = {}) {
    this.area.value = writeJson(this.definition);
    if (redraw) this.draw(focus);
    this.ask();
  }

  ask() {
    clearTimeout(this.timer);
    if (!this.project) return;
    this.timer = setTimeout(() => this.describe(), PAUSE_MS);
  }

  async describe() {
    this.asked?.abort();
    const broken = this.rows.querySelector("[data-broken]");
    if (broken) {
      this.say(`Not ready yet – “${broken.value}” is no number.`, "problem");
      return;
    }
    this.asked = new AbortController();
    const told = await this.answer(this.asked.signal).catch((error) =>
      error.name === "AbortError"
        ? null
        : { error: { path: "", problem: "The server does not answer; your rows are kept here." } },
    );
    if (!told) return;
    this.unmark();
    if (told.error) this.showProblem(told.error);
    else this.say(told.words, "told", told.note);
  }

  async answer(signal) {
    const field = (name) => this.form.querySelector(`[name=${name}]`)?.value ?? "";
    const body = new URLSearchParams({
      csrfmiddlewaretoken: field("csrfmiddlewaretoken"),
      project: this.project,
      name: this.settings.name || field("name"),
      definition: this.area.value,
    });
    const response = await fetch(this.settings.describe, { method: "POST", body, signal });
    return response.json();
  }

  say(text, state, note = "") {
    this.status.hidden = false;
    this.status.dataset.state = state;
    this.status.replaceChildren(text, ...(note ? [make("small", {}, note)] : []));
  }

  unmark() {
    for (const each of this.rows.querySelectorAll(".tw-problem")) each.remove();
    for (const each of this.rows.querySelectorAll("[aria-invalid]")) {
      each.removeAttribute("aria-invalid");
      each.removeAttribute("aria-describedby");
    }
  }

  showProblem({ path, problem }) {
    const control = this.controlAt(path);
    const sentence = problem.charAt(0).toUpperCase() + problem.slice(1);
    if (!control) {
      this.say(path ? `Not ready yet: ${path} ${problem}` : sentence, "problem");
      return;
    }
    const isEmpty = control.matches("input, select") && !control.value;
    const words = isEmpty ? (control.dataset.empty ?? "Fill this in.") : sentence;
    const label = control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent;
    this.say(`Not ready yet – ${label}: ${words}`, "problem");
    this.mark(control, words);
  }

  mark(control, words) {
    const id = `${this.area.id}-problem`;
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", id);
    const place = control.closest(".tw-cell") ?? control;
    place.append(make("span", { class: "tw-problem", id }, words));
  }

  /* The control of a path, or else of what the path lies in. */
  controlAt(path) {
    for (let each = path; each; each = each.replace(/(\.[^.[]*|\[\d+\]|^[^.[]+)$/, "")) {
      const found = this.rows.querySelector(`[data-path="${CSS.escape(each)}"]`);
      if (found) return found;
    }
    return null;
  }

  /* The rows */

  draw(focus = "") {
    const isTyping = Date.now() - this.typing < TYPING_MS;
    if (this.isPressed || this.isDrawing || isTyping) {
      this.isLate = true;
      this.lateFocus = focus;
      if (isTyping) setTimeout(() => this.drawLate(), TYPING_MS);
      return;
    }
    const before = this.rows.contains(document.activeElement) ? document.activeElement : null;
    const key = focus || before?.dataset.key;
    this.lists = [];
    this.isLate = false;
    this.isDrawing = true; // an input that is taken away may still say that it has changed
    this.rows.replaceChildren(...this.parts(), ...this.lists);
    this.isDrawing = false;
    if (key) this.focusAgain(key, focus, before);
    this.drawLate();
  }

  focusAgain(key, focus, before) {
    // A group goes with its last row, and an operator without a value takes the value's input away.
    const control = this.keyed(key) ?? this.keyed(focus ? "when#add" : (this.typedIn ?? ""));
    (control?.disabled ? control.parentElement.querySelector("button:enabled") : control)?.focus();
    if (!focus && control?.dataset.key === before.dataset.key) this.typeOn(control, before);
  }

  /* What is half typed while the rows are drawn anew goes on where it was. */
  typeOn(control, before) {
    if (!control.matches("input[type=text]") || !before.matches("input[type=text]")) return;
    control.value = before.value;
    control.setSelectionRange(before.selectionStart, before.selectionEnd);
  }

  keyed(key) {
    return this.rows.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  parts() {
    this.definition = this.readArea();
    if (!this.definition) {
      this.root.querySelector("details").open = true;
      return [make("p", {}, "This JSON can’t be shown in rows; it can be corrected below.")];
    }
    if (!this.project) {
      return [make("p", {}, "Choose the project first: its event types and fields are offered here.")];
    }
    const isRule = this.settings.subject === "rule";
    return isRule
      ? [this.trigger(), this.conditions(), this.award(), this.limits()]
      : [this.counted(), this.conditions(), this.milestones()];
  }

  /* The definition kept in this object stays the same while the text does: rows hold parts of it. */
  readArea() {
    if (this.definition && this.area.value === writeJson(this.definition)) return this.definition;
    try {
      const read = readJson(this.area.value);
      return this.isShowable(read) ? read : null;
    } catch (error) {
      // Neither what is no JSON nor what is nested too deeply to walk through.
      if (error instanceof SyntaxError || error instanceof RangeError) return null;
      throw error;
    }
  }

  isShowable(read) {
    if (!isObject(read)) return false;
    const { trigger, when, award, limits, milestones } = read;
    const areRows = [limits, milestones].every(
      (rows) => rows === undefined || rows === null || (Array.isArray(rows) && rows.every(isObject)),
    );
    const isAward =
      this.settings.subject === "streak" ||
      (isObject(award) &&
        ("fixed" in award ||
          isObject(award.per_unit) ||
          (Array.isArray(award.table) && award.table.every(isObject))));
    return areRows && isAward && trigger !== null && (!when || this.isNode(when, true));
  }

  isNode(node, isRoot = false) {
    if (!isObject(node)) return false;
    if ("field" in node && !isRoot) return this.isLeaf(node);
    return Array.isArray(node.rules) && node.rules.every((each) => this.isNode(each));
  }

  isLeaf({ operator, value = null }) {
    const shape = this.operators.get(operator)?.shape;
    const isList = Array.isArray(value) && value.every((each) => each === null || !isObject(each));
    return shape === "many" || shape === "two" ? isList : Boolean(shape) && !isObject(value);
  }

  trigger() {
    const { definition } = this;
    const isStreak = isObject(definition.trigger);
    const kind = this.choice("It starts when", "trigger.kind", {
      value: isStreak ? "streak" : "event",
      choices: [["event", "an event of this type comes"], ["streak", "a streak reaches a milestone"]],
      set: (value) => {
        definition.trigger = value === "event" ? "" : { streak: "", milestone: null };
        this.changed();
        this.refresh();
      },
    });
    const named = isStreak ? this.streakTrigger(definition.trigger) : [this.eventInput("trigger")];
    return section("When", line(kind, ...named));
  }

  eventInput(key) {
    return this.text("Event type", key, {
      value: this.definition[key],
      values: this.offers.events,
      empty: "Choose an event type, or type the name of a new one.",
      set: (value) => (this.definition[key] = value),
      done: () => this.refresh(),
    });
  }

  streakTrigger(trigger) {
    const names = Object.keys(this.offers.streaks);
    const streak = this.choice("Streak", "trigger.streak", {
      value: trigger.streak,
      choices: [["", "Choose a streak…"], ...names.map((name) => [name, name])],
      empty: names.length ? "Choose a streak." : "The project has no streak yet: make one first.",
      set: (value) => {
        trigger.streak = value;
        this.changed();
        this.refresh();
      },
    });
    const values = (this.offers.streaks[trigger.streak] ?? []).map(String);
    return [streak, this.number("Milestone", "trigger.milestone", trigger, "milestone", { values })];
  }

  counted() {
    const { definition } = this;
    const period = this.choice("in a row, counted in", "period", {
      value: definition.period,
      choices: this.words.periods,
      set: (value) => {
        definition.period = value;
        this.changed({ redraw: false });
      },
    });
    return section("Counts", line(this.eventInput("event"), period));
  }

  conditions() {
    const { when } = this.definition;
    if (when?.rules?.length) return section("Only when", this.group(when, "when", 1));
    return section(
      "Only when",
      make("p", { class: "tw-none" }, "Every one counts: there is no condition."),
      this.button("Add condition", "when#add", () => {
        this.definition.when = { combinator: "and", not: false, rules: [this.newLeaf()] };
        this.changed({ focus: "when.rules[0].field" });
      }),
    );
  }

  newLeaf() {
    return { field: "", operator: "=", value: null };
  }

  group(group, path, level, ends = []) {
    const joined = this.choice("Match", `${path}.combinator`, {
      value: group.combinator,
      choices: [["and", "all of these"], ["or", "any of these"]],
      set: (value) => {
        group.combinator = value;
        this.changed({ redraw: false });
      },
    });
    const turned = this.tick("the opposite (not)", `${path}.not`, {
      value: group.not === true,
      set: (value) => (group.not = value),
    });
    const nodes = group.rules.map((node, index) => {
      const inner = `${path}.rules[${index}]`;
      const buttons = this.rowButtons(group.rules, index, `${path}.rules`, "condition");
      return "field" in node
        ? this.leaf(node, inner, buttons)
        : this.group(node, inner, level + 1, buttons);
    });
    return make("div", { class: "tw-group", role: "group", "aria-label": `Conditions, level ${level}` },
      line(joined, turned, ...ends), ...nodes, this.adders(group, path, level));
  }

  adders(group, path, level) {
    const { leaves, levels } = this.words.most;
    const isFull = leavesOf(this.definition.when).length >= leaves;
    const add = (node, inside) => () => {
      group.rules.push(node);
      this.changed({ focus: `${path}.rules[${group.rules.length - 1}]${inside}.field` });
    };
    const isDeep = level >= levels;
    const nested = { combinator: "or", not: false, rules: [this.newLeaf()] };
    return line(
      this.button("Add condition", `${path}#add`, add(this.newLeaf(), ""), { disabled: isFull }),
      this.button("Add group", `${path}#group`, add(nested, ".rules[0]"), { disabled: isFull || isDeep }),
      isFull ? make("p", { class: "tw-none" }, `A rule has at most ${leaves} conditions.`) : null,
    );
  }

  leaf(leaf, path, buttons) {
    const field = this.fieldChoice("Field", `${path}.field`, {
      value: leaf.field,
      set: (value) => {
        leaf.field = value;
        this.fit(leaf, this.offered(value)?.kind);
        this.changed();
      },
    });
    const operator = this.choice("Operator", `${path}.operator`, {
      value: leaf.operator,
      choices: this.operatorChoices(this.offered(leaf.field)?.kind),
      set: (value) => {
        leaf.operator = value;
        this.fit(leaf, this.kinds.get(leaf));
        this.changed();
      },
    });
    return make("div", { class: "tw-line tw-leaf", role: "group", "aria-label": "Condition" },
      ...field, operator, ...this.values(leaf, `${path}.value`), ...buttons);
  }

  offered(name) {
    return this.offers.fields.find((each) => each.name === name);
  }

  operatorChoices(kind) {
    const choice = ({ name, words }) => [name, name === "is" ? "is (yes or no)" : words];
    const fits = (each) => !kind || !each.kinds.length || each.kinds.includes(kind);
    const all = this.words.operators;
    // What “is yes” says, “=” says as well: one of them is enough for a field of another kind.
    const first = all.filter((each) => fits(each) && (each.name !== "is" || kind === "boolean"));
    const rest = all.filter((each) => !first.includes(each));
    return [...first.map(choice), ["Other operators", rest.map(choice)]];
  }

  kind(leaf) {
    const { kinds } = this.operators.get(leaf.operator);
    const wishes = [this.kinds.get(leaf), kindOf([leaf.value].flat()[0]), this.offered(leaf.field)?.kind];
    return wishes.find((each) => kinds.includes(each)) ?? kinds[0] ?? "";
  }

  /* Keeps of a leaf's value what its operator and kind can hold. */
  fit(leaf, kind) {
    this.kinds.set(leaf, kind);
    const { shape, kinds } = this.operators.get(leaf.operator);
    if (kind && kinds.length && !kinds.includes(kind)) leaf.operator = shape === "many" ? "in" : "=";
    const known = this.kind(leaf);
    const kept = [leaf.value].flat().filter((each) => known && kindOf(each) === known);
    const values = { none: undefined, one: kept[0] ?? null, many: kept };
    values.two = [kept[0] ?? null, kept[1] ?? null];
    leaf.value = values[this.operators.get(leaf.operator).shape];
    if (known !== "text") delete leaf.case;
  }

  values(leaf, path) {
    const { shape, kinds } = this.operators.get(leaf.operator);
    if (shape === "none") return [];
    const kind = this.kind(leaf);
    const offer = this.offered(leaf.field);
    const isCertain = kinds.length === 1 || offer?.kind === kind;
    return [
      isCertain ? null : this.kindChoice(leaf, path, kinds, kind),
      ...this.valueInputs(leaf, path, { shape, kind, offer }),
      kind === "text" ? this.caseTick(leaf, path) : null,
    ];
  }

  kindChoice(leaf, path, kinds, kind) {
    return this.choice("compared as", `${path}.kind`, {
      value: kind,
      choices: kinds.map((each) => [each, KIND_WORDS[each]]),
      set: (value) => {
        this.fit(leaf, value);
        this.changed();
      },
    });
  }

  caseTick(leaf, path) {
    return this.tick("ignore upper and lower case", path.replace(/value$/, "case"), {
      value: leaf.case === false,
      set: (isIgnored) => {
        if (isIgnored) leaf.case = false;
        else delete leaf.case;
      },
    });
  }

  valueInputs(leaf, path, { shape, kind, offer }) {
    const values = offer?.kind === kind ? offer.values : [];
    const days = leaf.field === "time.weekday" ? this.words.weekdays : null;
    if (shape === "many") return [this.chips(leaf, path, { kind, values, days })];
    if (shape === "two") {
      return [
        this.number("from", path, leaf.value, 0, { key: `${path}[0]` }),
        this.number("to", `${path}[1]`, leaf.value, 1),
      ];
    }
    if (days && kind === "number") return [this.dayChoice(leaf, path, days)];
    if (kind === "number") return [this.number("Value", path, leaf, "value", { values })];
    if (kind === "boolean") return [this.yesOrNo(leaf, path)];
    return [this.text("Value", path, { value: leaf.value, values, set: (value) => (leaf.value = value) })];
  }

  dayChoice(leaf, path, days) {
    return this.choice("Value", path, {
      value: textOf(leaf.value),
      choices: [["", "Choose a day…"], ...days],
      set: (value) => {
        leaf.value = value ? new Exact(value) : null;
        this.changed({ redraw: false });
      },
    });
  }

  yesOrNo(leaf, path) {
    return this.choice("Value", path, {
      value: textOf(leaf.value),
      choices: [["", "Choose…"], ["true", "yes (true)"], ["false", "no (false)"]],
      set: (value) => {
        leaf.value = value === "" ? null : value === "true";
        this.changed({ redraw: false });
      },
    });
  }

  chips(leaf, path, { kind, values, days }) {
    const words = new Map(days ?? []);
    const wordsOf = (value) => words.get(textOf(value)) ?? textOf(value);
    const chips = leaf.value.map((value, index) => {
      const remove = this.button("✕", `${path}[${index}]`, () => {
        leaf.value.splice(index, 1);
        this.changed({ focus: path });
      }, { label: `Remove ${wordsOf(value)}` });
      return make("span", { class: "tw-chip" }, wordsOf(value) || "(empty)", remove);
    });
    const add = (text) => {
      if (leaf.value.some((value) => textOf(value) === text)) return;
      leaf.value.push(kind === "number" ? new Exact(text) : text);
      this.changed({ focus: path });
    };
    const adder = days ? this.dayAdder(path, days, add) : this.chipAdder(path, kind, values, add);
    return make("div", { class: "tw-chips" }, ...chips, adder);
  }

  dayAdder(path, days, add) {
    const choices = [["", "Add a day…"], ...days];
    return this.choice("Values", path, { value: "", choices, empty: "Add at least one day.", set: add });
  }

  chipAdder(path, kind, values, add) {
    const take = (input) => {
      const text = kind === "number" ? input.value.trim() : input.value;
      if (!text || this.isDrawing) return;
      if (kind !== "number" || new Exact(text).isNumber) add(text);
      else this.checkNumber(input);
    };
    const input = make("input", {
      type: "text",
      "data-path": path,
      "data-key": path,
      "data-empty": "Type a value and press Enter; at least one is needed.",
      placeholder: "Type, then Enter",
      list: this.datalist(values),
      onchange: () => take(input),
      onkeydown: (event) => event.key === "Enter" && take(input),
    });
    return labelled("Values", input, "tw-wide");
  }

  award() {
    const { definition } = this;
    const { award } = definition;
    const kind = ["fixed", "per_unit", "table"].find((each) => each in award);
    const path = "award";
    const choice = this.choice("It gives", "award.kind", {
      value: kind,
      choices: [
        ["fixed", "the same points each time"],
        ["per_unit", "points per unit of a number"],
        ["table", "points by a table"],
      ],
      set: (value) => {
        this.awards[kind] = award;
        definition.award = this.awards[value] ?? this.newAward(value);
        this.changed();
      },
    });
    const parts = {
      fixed: () => [line(choice, this.number("Points", "award.fixed", award, "fixed"))],
      per_unit: () => this.perUnit(award.per_unit, `${path}.per_unit`, choice),
      table: () => this.table(award, `${path}.table`, choice),
    };
    return section("Gives", ...parts[kind]());
  }

  newAward(kind) {
    const one = new Exact(1);
    return {
      fixed: { fixed: new Exact(10) },
      per_unit: { per_unit: { points: one, per: one, field: "", step: "exact", rounding: "floor" } },
      table: { table: [{ from: new Exact(0), to: null, points: new Exact(10) }], field: "" },
    }[kind];
  }

  perUnit(award, path, choice) {
    const pick = (label, key, choices) => this.picked(label, `${path}.${key}`, award, key, choices);
    return [
      line(
        choice,
        this.number("Points", `${path}.points`, award, "points"),
        this.number("per", `${path}.per`, award, "per"),
        ...this.amountChoice("of", award, path),
      ),
      line(
        pick("Counting", "step", this.words.steps),
        pick("Rounded", "rounding", this.words.roundings),
        this.number("At least", `${path}.min`, award, "min", { isOptional: true }),
        this.number("At most", `${path}.max`, award, "max", { isOptional: true }),
      ),
    ];
  }

  amountChoice(label, award, path) {
    return this.fieldChoice(label, `${path}.field`, {
      value: award.field,
      isAmount: true,
      set: (value) => {
        award.field = value;
        this.changed();
      },
    });
  }

  table(award, path, choice) {
    return [
      line(choice, ...this.amountChoice("by", award, "award")),
      ...this.list(award, "table", path, {
        name: "row",
        most: this.words.most.rows,
        added: () => ({ from: award.table.at(-1)?.to ?? new Exact(0), to: null, points: null }),
        first: "from",
        cells: (row, at) => [
          this.number("From", `${at}.from`, row, "from", { isOptional: true, hint: "0" }),
          this.number("to below", `${at}.to`, row, "to", { isOptional: true, hint: "no end" }),
          this.number("Points", `${at}.points`, row, "points"),
        ],
        isSorted: true,
      }),
    ];
  }

  limits() {
    const { definition, words } = this;
    const cells = (limit, at) => [
      this.number("At most", `${at}.n`, limit, "n"),
      this.picked("of", `${at}.of`, limit, "of", words.ofs, { redraw: true }),
      this.picked("for", `${at}.per`, limit, "per", words.pers),
      this.picked("within", `${at}.window`, limit, "window", words.windows),
      // Half an award can't be given: what is over a number of awards gives nothing anyway.
      limit.of === "points" ? this.picked("What is over", `${at}.over`, limit, "over", words.overs) : null,
    ];
    const added = () => ({ per: "customer", of: "points", window: "month", n: null, over: "clip" });
    const none = definition.limits?.length ? null : make("p", { class: "tw-none" }, "There is no limit.");
    const list = { name: "limit", most: words.most.limits, added, first: "n", cells };
    return section("At most", none, ...this.list(definition, "limits", "limits", list));
  }

  milestones() {
    const { definition } = this;
    const cells = (milestone, at) => [
      this.number("When this many in a row are reached", `${at}.at`, milestone, "at"),
      this.number("it gives points", `${at}.points`, milestone, "points"),
    ];
    const none = definition.milestones?.length ? null : make("p", { class: "tw-none" }, "It gives no points yet.");
    const { milestones: most } = this.words.most;
    const list = { name: "milestone", most, added: () => ({ at: null, points: null }), first: "at", cells, isSorted: true };
    return section("Milestones", none, ...this.list(definition, "milestones", "milestones", list));
  }

  /* The rows under a key of `owner`, which may have none yet. */
  list(owner, key, path, { name, most, added, first, cells, isSorted = false }) {
    const rows = owner[key] ?? [];
    const drawn = rows.map((row, index) => {
      const buttons = this.rowButtons(rows, index, path, name, isSorted);
      return make("div", { class: "tw-line tw-row", role: "group", "aria-label": `${name} ${index + 1}`, "data-path": `${path}[${index}]` },
        ...cells(row, `${path}[${index}]`), ...buttons);
    });
    const add = () => {
      owner[key] = [...rows, added()];
      this.changed({ focus: `${path}[${rows.length}].${first}` });
    };
    const isFull = rows.length >= most;
    return [...drawn, this.button(`Add ${name}`, `${path}#add`, add, { disabled: isFull, path })];
  }

  /* Controls */

  /* Rows that the server sorts can't be moved. */
  rowButtons(rows, index, path, name, isSorted = false) {
    const move = (by) => () => {
      rows.splice(index + by, 0, ...rows.splice(index, 1));
      this.changed({ focus: `${path}[${index + by}]#${by < 0 ? "up" : "down"}` });
    };
    const remove = () => {
      rows.splice(index, 1);
      this.prune();
      this.changed({ focus: `${path.replace(/\.rules$/, "")}#add` });
    };
    const number = `${name} ${index + 1}`;
    const at = `${path}[${index}]`;
    const last = rows.length - 1;
    const moves = [
      this.button("↑", `${at}#up`, move(-1), { label: `Move ${number} up`, disabled: index === 0 }),
      this.button("↓", `${at}#down`, move(1), { label: `Move ${number} down`, disabled: index === last }),
    ];
    return [make("span", { class: "tw-moves" }, ...(isSorted ? [] : moves),
      this.button("✕", `${at}#remove`, remove, { label: `Remove ${number}` }))];
  }

  /* A group in which nothing is left says nothing. */
  prune() {
    const keep = (node) => {
      if (!node.rules) return true;
      node.rules = node.rules.filter(keep);
      return node.rules.length > 0;
    };
    const { when } = this.definition;
    if (when && !keep(when)) this.definition.when = null;
  }

  button(text, key, onclick, { label, disabled = false, path } = {}) {
    const name = { "aria-label": label, title: label, "data-key": key, "data-path": path };
    return make("button", { type: "button", class: "tw-button", disabled, onclick, ...name }, text);
  }

  choice(label, path, { value, choices, set, empty }) {
    const option = ([each, words]) =>
      Array.isArray(words)
        ? make("optgroup", { label: each }, ...words.map(option))
        : make("option", { value: each, selected: each === value }, words);
    const isKnown = choices.flatMap(([each, words]) => (Array.isArray(words) ? words : [[each]]))
      .some(([each]) => each === value);
    const odd = isKnown ? [] : [[value ?? "", textOf(value)]];
    const onchange = (event) => set(event.target.value);
    const names = { "data-path": path, "data-key": path, "data-empty": empty };
    return labelled(label, make("select", { ...names, onchange }, ...[...odd, ...choices].map(option)));
  }

  /* A choice of a key's value; the key may be missing where the first one is meant. */
  picked(label, path, row, key, choices, { redraw = false } = {}) {
    const set = (value) => {
      row[key] = value;
      this.changed({ redraw });
    };
    return this.choice(label, path, { value: row[key] ?? choices[0][0], choices, set });
  }

  fieldChoice(label, path, { value, set, isAmount = false }) {
    const fits = ({ group, kind }) => !isAmount || (group !== "time" && (!kind || kind === "number"));
    const fields = this.offers.fields.filter(fits);
    const isOffered = fields.some((each) => each.name === value);
    const prefix = Object.keys(NEW_KEYS).find((each) => textOf(value).startsWith(each));
    const isOther = !isOffered && prefix !== undefined;
    const groups = Object.entries(GROUP_WORDS).map(([group, words]) => {
      const inside = fields.filter((each) => each.group === group);
      const told = ({ name, label: key, type }) => [name, type && type !== "auto" ? `${key} (${type})` : key];
      const other = NEW_KEYS[`${group}.`] ? [[`${group}.`, NEW_KEYS[`${group}.`]]] : [];
      return [words, [...inside.map(told), ...other]];
    });
    const choices = [["", "Choose a field…"], ...groups.filter(([, inside]) => inside.length)];
    const empty = "Choose a field.";
    const shown = isOther ? prefix : value;
    const select = this.choice(label, isOther ? `${path}.choice` : path, { value: shown, choices, set, empty });
    if (!isOther) return [select];
    const setKey = (key) => set(prefix + key);
    const key = this.text("Its key", path, { value: value.slice(prefix.length), done: setKey, empty: "Type the key." });
    return [select, key];
  }

  /* `set` takes each letter, `done` what is there when one leaves the input. */
  text(label, path, { value, values = [], set, done, empty }) {
    const input = make("input", {
      type: "text",
      value: textOf(value),
      autocomplete: "off",
      list: this.datalist(values),
      "data-path": path,
      "data-key": path,
      "data-empty": empty,
      oninput: () => {
        if (!set) return;
        set(input.value);
        this.changed({ redraw: false });
      },
      onchange: () => done?.(input.value),
    });
    return labelled(label, input, "tw-wide");
  }

  number(label, path, row, key, { values = [], isOptional = false, hint = "none" } = {}) {
    const input = make("input", {
      type: "text",
      inputmode: "decimal",
      value: textOf(row[key]),
      autocomplete: "off",
      placeholder: isOptional ? hint : undefined,
      list: this.datalist(values),
      "data-path": path,
      "data-key": path,
      oninput: () => {
        const text = input.value.trim();
        row[key] = text ? new Exact(text) : null;
        this.checkNumber(input);
        this.changed({ redraw: false });
      },
    });
    const cell = labelled(label, input, "tw-number");
    this.checkNumber(input);
    return cell;
  }

  checkNumber(input) {
    const text = input.value.trim();
    const isBroken = Boolean(text) && !new Exact(text).isNumber;
    const cell = input.closest(".tw-cell");
    cell.querySelector(".tw-broken")?.remove();
    input.toggleAttribute("data-broken", isBroken);
    if (isBroken) cell.append(make("span", { class: "tw-broken" }, "Write a number, such as 1.5."));
  }

  tick(label, path, { value, set }) {
    const onchange = (event) => {
      set(event.target.checked);
      this.changed({ redraw: false });
    };
    const names = { "data-path": path, "data-key": path };
    const input = make("input", { type: "checkbox", checked: value, onchange, ...names });
    return make("label", { class: "tw-tick" }, input, make("span", {}, label));
  }

  datalist(values) {
    if (!values.length) return undefined;
    const id = `${this.area.id}-values-${this.lists.length}`;
    this.lists.push(make("datalist", { id }, ...values.map((value) => make("option", { value }))));
    return id;
  }
}

for (const root of document.querySelectorAll("[data-editor]")) new Editor(root).start();
