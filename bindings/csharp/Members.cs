using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
#if NET5_0_OR_GREATER
using System.Diagnostics.CodeAnalysis;
#endif

namespace LibCheckpoint
{
    /// <summary>A member of an object that has a <see cref="TrackedAttribute"/>.</summary>
    internal sealed class Member
    {
        private const BindingFlags Own =
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

        internal string Name { get; private set; }

        /// <summary>Asks the object for what the member is now.</summary>
        internal Func<object> Value { get; private set; }

        internal long[] Shape { get; private set; }

        /// <summary>The marked members of an object in the order of their names, those of base
        /// classes too.</summary>
        /// <param name="owner">The object.</param>
        /// <param name="path">Where it is, for messages.</param>
        /// <exception cref="ArgumentException">There are none, or trimming may have removed
        /// some.</exception>
        internal static IReadOnlyList<Member> Of(object owner, string path)
        {
            Type lost = Trimming.MayHaveTaken(owner);
            if (lost != null)
            {
                throw new ArgumentException(
                    path + "this application is trimmed, and tracked members of the class " + lost
                    + " may be missing: let it implement ITracked");
            }
            var members = new List<Member>();
            foreach (Type type in Trimming.Classes(owner))
            {
                AddOwn(members, type, owner);
            }
            if (members.Count == 0)
            {
                throw new ArgumentException(
                    path + "nothing in a " + owner.GetType() + " is tracked: its class has no member with the attribute Tracked");
            }
            return members.OrderBy(member => member.Name, StringComparer.Ordinal).ToList();
        }

#if NET5_0_OR_GREATER
        [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What may have been trimmed was refused.")]
#endif
        private static void AddOwn(List<Member> members, Type type, object owner)
        {
            foreach (FieldInfo field in type.GetFields(Own))
            {
                Add(members, field, () => field.GetValue(owner));
            }
            foreach (PropertyInfo property in type.GetProperties(Own))
            {
                Add(members, property, () => property.GetValue(owner));
            }
        }

        private static void Add(List<Member> members, MemberInfo member, Func<object> value)
        {
            var mark = member.GetCustomAttribute<TrackedAttribute>();
            if (mark != null)
            {
                members.Add(new Member { Name = mark.Name ?? member.Name, Value = value, Shape = mark.Shape });
            }
        }
    }

    /// <summary>What is found by reflection alone is gone from an application that was
    /// trimmed.</summary>
    internal static class Trimming
    {
#if NET10_0_OR_GREATER
        /// <summary>What is kept of a class that implements <see cref="ITracked"/>.</summary>
        internal const DynamicallyAccessedMemberTypes Kept =
            DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFieldsWithInherited
            | DynamicallyAccessedMemberTypes.PublicProperties | DynamicallyAccessedMemberTypes.NonPublicPropertiesWithInherited;
#elif NET5_0_OR_GREATER
        /// <summary>What is kept of a class that implements <see cref="ITracked"/>: of base
        /// classes, what is not private.</summary>
        internal const DynamicallyAccessedMemberTypes Kept =
            DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFields
            | DynamicallyAccessedMemberTypes.PublicProperties | DynamicallyAccessedMemberTypes.NonPublicProperties;
#endif

        // Nothing but reflection leads to its field, and nobody says that it is to be kept.
        private static readonly bool Trimmed = FieldCount(new Canary()) == 0;

        /// <summary>The class of an object, or its base class, whose members may be gone; null if
        /// none.</summary>
        internal static Type MayHaveTaken(object owner)
        {
            if (!Trimmed)
            {
                return null;
            }
#if NET10_0_OR_GREATER
            return owner is ITracked ? null : owner.GetType(); // members of base classes are kept with it
#else
            return Classes(owner).FirstOrDefault(type => !typeof(ITracked).IsAssignableFrom(type));
#endif
        }

        /// <summary>The class of an object and its base classes, without that of all
        /// objects.</summary>
        internal static IEnumerable<Type> Classes(object owner)
        {
            var tracked = owner as ITracked;
            for (Type type = tracked == null ? owner.GetType() : ClassOf(tracked); type != typeof(object); type = type.BaseType)
            {
                yield return type;
            }
        }

        // That a type which was asked for in this way goes where members are wanted is what keeps
        // them, in all classes that implement the interface.
#if NET5_0_OR_GREATER
        [return: DynamicallyAccessedMembers(Kept)]
#endif
        private static Type ClassOf(ITracked tracked) => tracked.GetType();

#if NET5_0_OR_GREATER
        [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Whether the field is gone is the question.")]
#endif
        private static int FieldCount(object canary) =>
            canary.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length;

        private sealed class Canary
        {
#pragma warning disable CS0169, CA1823 // it is not used
            private readonly int field;
#pragma warning restore CS0169, CA1823
        }
    }
}
