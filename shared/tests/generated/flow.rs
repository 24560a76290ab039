//! Loops, branches and calls for the generator.

use crate::generate::Generator;

impl Generator {
    pub(crate) fn flow(&mut self) {
        self.depth += 1;
        let o = self.new_label();
        let count = self.rng.below(3) + 1;
        match self.rng.below(6) {
            0 => {
                self.uses("while");
                self.uses("local name");
                self.line(&format!("#<i{o}> = 0"));
                self.line(&format!("o{o} while [#<i{o}> LT {count}]"));
                self.statement();
                self.line(&format!("#<i{o}> = [#<i{o}> + 1]"));
                self.line(&format!("o{o} endwhile"));
            }
            1 => {
                self.uses("do");
                self.uses("number");
                self.line(&format!("#{o} = 0"));
                self.line(&format!("o{o} do"));
                self.statement();
                self.line(&format!("#{o} = [#{o} + 1]"));
                self.line(&format!("o{o} while [#{o} LT {count}]"));
            }
            2 => {
                self.uses("repeat");
                self.line(&format!("o{o} repeat [{count}]"));
                self.statement();
                self.line(&format!("o{o} endrepeat"));
            }
            3 => self.left_loop(o, count),
            _ => self.branch(o),
        }
        self.depth -= 1;
    }

    /// A loop that is left or cut short in its middle.
    fn left_loop(&mut self, o: u32, count: u64) {
        let word = if self.rng.chance(0.5) { "break" } else { "continue" };
        self.uses(word);
        let inner = self.new_label();
        self.line(&format!("#<j{o}> = 0"));
        self.line(&format!("o{o} while [#<j{o}> LT 4]"));
        self.line(&format!("#<j{o}> = [#<j{o}> + 1]"));
        self.line(&format!("o{inner} if [#<j{o}> EQ {count}]"));
        self.line(&format!("o{o} {word}"));
        self.line(&format!("o{inner} endif"));
        self.line(&format!("G1 X[#<j{o}> * 2]"));
        self.line(&format!("o{o} endwhile"));
    }

    fn branch(&mut self, o: u32) {
        self.uses("if");
        let (x, y) = (self.mm(), self.mm());
        let test = self.one(&["GT", "LT", "GE", "LE", "EQ", "NE"]);
        self.line(&format!("o{o} if [{x} {test} {y}]"));
        self.line(&format!("G1 X{x}"));
        if self.rng.chance(0.6) {
            self.uses("elseif");
            self.line(&format!("o{o} elseif [{x} GT 0]"));
            self.line(&format!("G1 X{x} Y{y}"));
        }
        if self.rng.chance(0.6) {
            self.line(&format!("o{o} else"));
            self.line(&format!("G1 Y{y}"));
        }
        self.line(&format!("o{o} endif"));
    }

    pub(crate) fn call(&mut self) {
        self.depth += 1;
        let (o, x) = (self.new_label(), self.mm());
        self.uses("call");
        let is_nested = self.rng.chance(0.5);
        let inner = self.new_label();
        if is_nested {
            self.uses("nested call");
            self.line(&format!("o{inner} sub"));
            self.line("G1 X[#1 / 2] Y#2");
            self.line(&format!("o{inner} endsub"));
        }
        self.line(&format!("o{o} sub"));
        if self.rng.chance(0.4) {
            self.uses("M73");
            self.line("M73");
            self.line("G91 F120");
        }
        self.line("G1 X#1 Y[#2 * 2]");
        if is_nested {
            self.line(&format!("o{inner} call [#1] [#2]"));
        }
        if self.rng.chance(0.5) {
            self.uses("return");
            let branch = self.new_label();
            self.line(&format!("o{branch} if [#1 GT 0]"));
            self.line(&format!("o{o} return [#1 * 2]"));
            self.line(&format!("o{branch} endif"));
        }
        self.line("G1 Z#2");
        self.line(&format!("o{o} endsub [7]"));
        self.line("F300 G90");
        self.line(&format!("o{o} call [{x}] [3.5]"));
        self.line("G90 F300");
        self.line("G1 X[#<_value> / 2]");
        self.depth -= 1;
    }
}
