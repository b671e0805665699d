// The parser: source text in, syntax tree (ast.h) out.
//
// It follows the grammar rule by rule, recovers at statements, arms, members and declarations, and so reports several
// errors in one run. Whatever the input, the result is a module; where an error was reported it may hold EX_ERROR nodes and
// gaps, so it is to be checked only if `diags` has no errors.
#pragma once
#include "bytecode/front/ast.h"

// Levels that an expression, type or pattern may be nested. All later passes may recurse this deep (Expr.height).
enum { PARSE_DEPTH_LIMIT = 1000 };

// Never NULL. Texts of the tree may be slices of `source->text`, which must live as long.
ModuleAst *parse_module(Source *source, Str name, Diags *diags);

// The same for a script: where the source has no `fn main`, its statements between the declarations (a `let` is one) become
// the body of a `main` whose parameters are the free powers out, err, stdin, args, clock and random; ModuleAst.script is
// set. A source without statements other than `let` is an ordinary module.
ModuleAst *parse_script(Source *source, Str name, Diags *diags);

// What to say about a name that means something in another language ("null", "println"), or empty.
Str parse_foreign_name(Str name);
